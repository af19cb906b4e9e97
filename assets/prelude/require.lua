-- `require`: what is loaded already, then `package.preload`, then the library directories, which the session reads.

local host, kept = ...
local ASK, REFUSED, loaded, preload = ASK, REFUSED, loaded, kept.preload
local check, error, load, pcall, tostring, type, yield = kept.check, error, load, pcall, tostring, type, yield
local limit = host("source_limit")()
local engine_error, want_module = host("engine_error"), host("want_module")

local function fail(text)
  engine_error(text)
  error(text, 0)
end

local function run(text, path)
  if #text > limit then
    fail("the module is " .. #text .. " bytes long; the limit is " .. limit)
  end
  local chunk, why = load(text, path, "t")
  if not chunk then
    check(false, why)
    fail("syntax error: " .. why)
  end
  local ok, value = check(pcall(chunk))
  if ok then
    return value
  elseif type(value) == "string" then
    fail("runtime error: " .. value)
  end
  error(value, 0)
end

return {
  require_module = function(name)
    if type(name) == "number" then
      name = tostring(name)
    elseif type(name) ~= "string" then
      error("bad argument #1 to 'require' (string expected, got " .. type(name) .. ")", 2)
    end
    local value = loaded[name]
    if value then
      return value
    end
    local loader = preload[name]
    if loader ~= nil then
      value = loader(name, ":preload:")
    else
      want_module(name)
      local text, path = yield(ASK)
      if text == REFUSED then
        error("attempt to yield across a C-call boundary", 0)
      elseif text == nil then
        fail("module '" .. name .. "' not found:\n\t\n\tno resolver for '" .. name
          .. "'\n\tno field package.preload['" .. name .. "']")
      elseif not text then
        fail(path)
      end
      value = run(text, path)
    end
    if value ~= nil then
      loaded[name] = value
    elseif loaded[name] == nil then
      loaded[name] = true
    end
    return loaded[name]
  end,
}
