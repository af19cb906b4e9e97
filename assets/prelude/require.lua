-- `require`: what is loaded already, then the library directories, which the session reads, then `package.preload`.

local host, kept = ...
local ASK, REFUSED, loaded, preload = ASK, REFUSED, loaded, kept.preload
local check, error, isyieldable, load, pcall, tostring, type, yield =
  kept.check, error, isyieldable, load, pcall, tostring, type, yield
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

-- The modules that are part of every session; one of the same name in a library directory comes first.
local function built_in(name)
  if name == "evalframe" then
    return kept.evalframe
  end
end

-- What a name stands for outside of `package.loaded`: the library directories first, then what the program put up.
local function find(name)
  want_module(name)
  local text, path = REFUSED, nil
  if isyieldable() then
    text, path = yield(ASK)
  end
  if text == false then
    fail(path)
  elseif text and text ~= REFUSED then
    return run(text, path)
  end
  local loader = preload[name]
  if loader ~= nil then
    return loader(name, ":preload:")
  elseif text == REFUSED then
    kept.cannot_wait("require")
  end
  local value = built_in(name)
  if value == nil then
    fail("module '" .. name .. "' not found:\n\t\n\tno resolver for '" .. name
      .. "'\n\tno field package.preload['" .. name .. "']")
  end
  return value
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
    value = find(name)
    if value ~= nil then
      loaded[name] = value
    elseif loaded[name] == nil then
      loaded[name] = true
    end
    return loaded[name]
  end,
}
