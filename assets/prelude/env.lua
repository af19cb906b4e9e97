-- `alc.env`, what the session was given of an environment, and `alc._dirs`, where it keeps its files.

local host = ...
local error, ipairs, setmetatable, type = error, ipairs, setmetatable, type
local given, dirs = host("environment")(), host("directories")()

local methods = {}

function methods.get(_, name, default)
  local value = given[name]
  if value == nil then
    return default
  end
  return value
end

function methods.use(_, names)
  if type(names) ~= "table" then
    error("alc.env:use: the names must be an array", 2)
  end
  local out = {}
  for _, name in ipairs(names) do
    out[name] = given[name]
  end
  return out
end

local env
if given then
  env = setmetatable({}, {
    __index = function(_, name)
      return methods[name] or given[name]
    end,
    __newindex = function()
      error("alc.env is readonly", 2)
    end,
    __metatable = false,
  })
end

return { env = env, _dirs = dirs }
