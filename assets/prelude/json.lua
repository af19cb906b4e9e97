-- `alc.json_encode` and `alc.json_decode`.

local host = ...
local error = error
local encode, decode = host("encode"), host("decode")

local function result(refused, value)
  if refused then
    error(refused, 0)
  end
  return value
end

return {
  json_encode = function(value)
    return result(encode(value))
  end,
  json_decode = function(text)
    return result(decode(text))
  end,
}
