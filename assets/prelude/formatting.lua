-- `alc.fmt` and `alc.log_fmt`: `string.format` for what answers and models really hold, which is seldom an integer.

local _, kept = ...
local alc, concat, error, find, format, pack, pcall, sub, tonumber, tostring, type, unpack =
  alc, concat, error, find, format, pack, pcall, sub, tonumber, tostring, type, unpack

local integral = { d = true, i = true, c = true, o = true, x = true, X = true }
local fractional = { a = true, A = true, e = true, E = true, f = true, F = true, g = true, G = true }

-- The word for a number that has no digits.
local function word(v)
  if v ~= v then
    return "NaN"
  elseif v == 1 / 0 then
    return "Inf"
  elseif v == -1 / 0 then
    return "-Inf"
  end
end

-- What a specification and its value become so that `string.format` takes them.
local function fitting(spec, flags, letter, v)
  if letter == "s" then
    if v == nil then
      return spec, "<nil>"
    elseif type(v) ~= "string" then
      return spec, type(v) == "table" and kept.text_of(v, 4) or tostring(v)
    end
  elseif letter == "p" then
    return "%" .. flags .. "s", kept.address_of(v)
  elseif integral[letter] or fractional[letter] then
    local number = tonumber(v)
    local name = number and word(number)
    if name then
      local _, _, width = find(flags, "^[+ #0]*(%-?[+ #0]*%d*)")
      return "%" .. width .. "s", name
    elseif number and integral[letter] and number // 1 ~= number then
      number = number < 0 and -((-number + 0.5) // 1) or (number + 0.5) // 1
    end
    if number and integral[letter] and (number >= 0x1p63 or number < -0x1p63) then
      return "%.0f", number
    end
    return spec, number or v
  end
  return spec, v
end

local function fmt(template, ...)
  if type(template) == "number" then
    template = tostring(template)
  elseif type(template) ~= "string" then
    error("bad argument #1 to 'alc.fmt' (string expected, got " .. type(template) .. ")", 3)
  end
  local args, pieces, n, from = pack(...), {}, 0, 1
  while true do
    local start, stop, flags, letter = find(template, "%%([-+ #0-9.]*)(.)", from)
    if not start then
      break
    end
    local spec = sub(template, start, stop)
    if letter ~= "%" then
      n = n + 1
      spec, args[n] = fitting(spec, flags, letter, args[n])
    end
    pieces[#pieces + 1] = sub(template, from, start - 1) .. spec
    from = stop + 1
  end
  pieces[#pieces + 1] = sub(template, from)
  local ok, text = kept.check(pcall(format, concat(pieces), unpack(args, 1, n > args.n and n or args.n)))
  if not ok then
    error((kept.gsub(text, "'%?'", "'alc.fmt'")), 3)
  end
  return text
end

return {
  fmt = function(...)
    return (fmt(...))
  end,
  log_fmt = function(level, ...)
    alc.log(level, (fmt(...)))
  end,
}
