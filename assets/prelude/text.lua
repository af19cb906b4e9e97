-- `tostring` of what is no plain value, written here so that `__tostring` may be interrupted and may ask. Tables,
-- functions and threads have a number instead of an address: the same in every run.

local host, kept = ...
local error, format, type = error, format, type
local metafields = host("metafields")
local numbers, count = setmetatable({}, { __mode = "k" }), 0

local function address_of(v)
  local number = numbers[v]
  if not number then
    count = count + 1
    number = count
    numbers[v] = number
  end
  return format("0x%016x", number)
end

local function plain_text_of(v)
  local kind = type(v)
  if kind == "userdata" then
    return kept.tostring(v)
  end
  return kind .. ": " .. address_of(v)
end

-- An error names the caller `level` levels up.
local function text_of(v, level)
  local custom, name = metafields(v)
  if custom ~= nil then
    local text = custom(v)
    if type(text) == "number" then
      return kept.tostring(text)
    elseif type(text) ~= "string" then
      error("'__tostring' must return a string", level or 2)
    end
    return text
  elseif name then
    return name .. ": " .. address_of(v)
  end
  return plain_text_of(v)
end

local function readable(v)
  local kind = type(v)
  if kind == "string" or kind == "number" or kind == "boolean" or kind == "nil" then
    return kept.tostring(v)
  end
  return text_of(v)
end

return { readable = readable, text_of = text_of, plain_text_of = plain_text_of, address_of = address_of }
