-- `alc.math`: a table whose functions are made when they are first looked up.

local host = ...
local error, next, rawset, setmetatable, type = error, next, rawset, setmetatable, type
local names, make = host("math_names"), host("math_function")

local function settle(refused, value)
  if refused then
    error(refused, 0)
  end
  return value
end

local math = {}

-- What a program removes stays removed.
local made = {}

local function find(_, name)
  if type(name) ~= "string" or made[name] then
    return nil
  end
  local f = make(name)
  if not f then
    return nil
  end
  made[name] = true
  local function call(...)
    return settle(f(...))
  end
  rawset(math, name, call)
  return call
end

setmetatable(math, {
  __index = find,
  __pairs = function()
    for _, name in next, names() do
      find(math, name)
    end
    return next, math
  end,
  __newindex = function(_, name, value)
    made[name] = true
    rawset(math, name, value)
  end,
  __metatable = false,
})

return { math = math }
