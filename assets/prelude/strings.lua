-- `string.rep` that does not loop for long, and `string.format` whose `%s` may be interrupted and whose `%p` shows no
-- address.

local _, kept = ...
local error, find, format, gsub, pcall, rep, select, sub = error, find, format, gsub, pcall, rep, select, sub
local pack, tonumber, tostring, type, unpack = pack, tonumber, tostring, type, unpack

-- The C function copies one unit at a time; so many at a time take no measurable time.
local BLOCK = 1024

local plain = { ["nil"] = true, boolean = true, number = true, string = true }

-- The C function names neither itself nor a line of the program when it is called from here. Tail calls lead here, so
-- the program is two levels up.
local function formatted(ok, value)
  if not ok then
    kept.check(false, value)
    if type(value) == "string" then
      error(gsub(value, "'%?'", "'format'"), 2)
    end
    error(value, 0)
  end
  return value
end

local function format_objects(template, ...)
  local args = pack(...)
  local n, from = 0, 1
  local out = ""
  while true do
    local start, stop, flags, letter = find(template, "%%([-+ #0-9.]*)(.)", from)
    if not start then
      return formatted(pcall(format, out .. sub(template, from), unpack(args, 1, args.n)))
    end
    local spec = sub(template, start, stop)
    if letter ~= "%" then
      n = n + 1
      local v = args[n]
      if not plain[type(v)] then
        if letter == "s" then
          args[n] = kept.text_of(v, 3)
        elseif letter == "p" then
          spec, args[n] = "%" .. flags .. "s", kept.address_of(v)
        end
      end
    end
    out = out .. sub(template, from, start - 1) .. spec
    from = stop + 1
  end
end

local function text(v, n)
  if type(v) == "string" then
    return v
  elseif type(v) == "number" then
    return tostring(v)
  end
  local got = v == nil and n > 1 and "no value" or type(v)
  error("bad argument #" .. n .. " to 'rep' (string expected, got " .. got .. ")", 3)
end


return {
  rep = function(s, n, separator)
    s = text(s, 1)
    local times = type(n) == "number" and n or type(n) == "string" and tonumber(n)
    if not times then
      error("bad argument #2 to 'rep' (number expected, got " .. (n == nil and "no value" or type(n)) .. ")", 2)
    elseif times // 1 ~= times or times >= 0x1p63 then
      error("bad argument #2 to 'rep' (number has no integer representation)", 2)
    end
    local unit = s
    if separator ~= nil then
      separator = text(separator, 3)
      unit = s .. separator
    end
    if unit == "" then
      return ""
    elseif #unit * (times + 0.0) >= 0x1p63 then
      error("resulting string too large", 2)
    elseif times <= BLOCK or #unit >= 64 then
      return rep(s, times, separator)
    end
    times = times | 0
    if times > 1000 * BLOCK then
      kept.hurry()
    end
    local blocks, rest = (times - 1) // BLOCK, (times - 1) % BLOCK
    return rep(rep(unit, BLOCK), blocks) .. rep(unit, rest) .. s
  end,

  format = function(template, ...)
    for i = 1, select("#", ...) do
      if not plain[type((select(i, ...)))] then
        return format_objects(template, ...)
      end
    end
    return formatted(pcall(format, template, ...))
  end,
}
