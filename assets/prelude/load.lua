-- `load`: text only, of bounded length. A reader function is called from here, so that it may be interrupted.

local host, kept = ...
local check, concat, error, find, load, pcall, select, tostring, type =
  kept.check, concat, error, find, load, pcall, select, tostring, type
local limit = host("source_limit")()

local function too_long(size)
  return nil, "the source is " .. size .. " bytes long; the limit is " .. limit
end

return {
  load_text = function(chunk, name, mode, ...)
    if mode ~= nil and not find(tostring(mode), "t", 1, true) then
      return nil, "attempt to load a text chunk (mode is '" .. tostring(mode) .. "')"
    end
    if type(chunk) == "number" then
      chunk = tostring(chunk)
    elseif type(chunk) == "function" then
      local pieces, n, size = {}, 0, 0
      while true do
        local ok, piece = check(pcall(chunk))
        if not ok then
          return nil, piece
        elseif piece == nil or piece == "" then
          break
        elseif type(piece) ~= "string" then
          return nil, "reader function must return a string"
        end
        n = n + 1
        pieces[n] = piece
        size = size + #piece
        if size > limit then
          return too_long(size)
        end
      end
      chunk, name = concat(pieces), name or "=(load)"
    elseif type(chunk) ~= "string" then
      error("bad argument #1 to 'load' (function expected, got " .. type(chunk) .. ")", 2)
    end
    if #chunk > limit then
      return too_long(#chunk)
    end
    local f, why
    if select("#", ...) == 0 then
      f, why = load(chunk, name, "t")
    else
      f, why = load(chunk, name, "t", (...))
    end
    if f then
      return f
    end
    check(false, why)
    return nil, why
  end,
}
