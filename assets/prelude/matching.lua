-- `string.find`, `match`, `gmatch` and `gsub`. The C functions do what cannot take long; the rest goes to a matcher of
-- the host that looks at the clock. A replacement that runs code of the program is called from here, so that it may be
-- interrupted and may ask.

local host = ...
local concat, error, getmetatable, sub, tonumber, tostring, type =
  concat, error, getmetatable, sub, tonumber, tostring, type
local c_find, c_match, c_gmatch, c_gsub = find, match, gmatch, gsub
local reach_of, search, step, substitute = host("pattern_reach"), host("search"), host("step"), host("substitute")

-- How long a subject may be for the C functions, by pattern. Forgotten when many patterns have been seen.
local reaches, known = {}, 0

local function learn(pattern)
  if known >= 256 then
    reaches, known = {}, 0
  end
  local reach = reach_of(pattern)
  reaches[pattern] = reach
  known = known + 1
  return reach
end

local function text(v, n, name)
  if type(v) == "string" then
    return v
  elseif type(v) == "number" then
    return tostring(v)
  end
  local got = v == nil and n > 1 and "no value" or type(v)
  error("bad argument #" .. n .. " to '" .. name .. "' (string expected, got " .. got .. ")", 3)
end

local function integer(v, n, name, default)
  if v == nil then
    return default
  end
  local kind = type(v)
  local number = (kind == "number" or kind == "string") and tonumber(v)
  if number and number // 1 == number and number >= -0x1p63 and number < 0x1p63 then
    return number | 0
  end
  local what = number and "number has no integer representation" or "number expected, got " .. kind
  error("bad argument #" .. n .. " to '" .. name .. "' (" .. what .. ")", 3)
end

-- The place where a search begins, from 0.
local function start_of(init, length)
  if init > 0 then
    return init - 1
  elseif init == 0 or init < -length then
    return 0
  end
  return length + init
end

-- What a search found. Where the slice was over it goes on from where it was.
local function found(s, pattern, way, refused, first, ...)
  if refused then
    error(refused, 2)
  elseif first == false then
    return found(s, pattern, way, search(s, pattern, (...), way))
  end
  return first, ...
end

-- The next match for `gsub`, with what the replacement makes of it.
local function apply(s, pattern, last, anchored, replacement, refused, start, stop, ...)
  if refused then
    error(refused, 3)
  elseif start == false then
    return apply(s, pattern, last, anchored, replacement, step(s, pattern, stop, last, anchored))
  elseif not start then
    return nil
  elseif type(replacement) == "function" then
    return start, stop, (replacement(...))
  end
  return start, stop, replacement[(...)]
end

-- The same with what the C function found: captures behind the places, none where the match as a whole is meant. A match
-- of nothing right where the last one ended is none.
local function apply_lightly(s, pattern, last, replacement, start, stop, first, ...)
  if not start then
    return nil
  elseif stop == last and start > stop then
    if last == #s then
      return nil
    end
    return apply_lightly(s, pattern, -1, replacement, c_find(s, pattern, last + 2))
  elseif first == nil then
    first = sub(s, start, stop)
  end
  if type(replacement) == "function" then
    return start - 1, stop, (replacement(first, ...))
  end
  return start - 1, stop, replacement[first]
end

local function gsub_with_code(s, pattern, replacement, limit, light)
  local anchored = sub(pattern, 1, 1) == "^"
  if anchored then
    pattern = sub(pattern, 2)
  end
  local out, n, count, from, last = {}, 0, 0, 0, -1
  while count < limit do
    local start, stop, value
    if light and not anchored then
      start, stop, value = apply_lightly(s, pattern, last, replacement, c_find(s, pattern, from + 1))
    else
      start, stop, value = apply(s, pattern, last, anchored, replacement, step(s, pattern, from, last, anchored))
    end
    if not start then
      break
    end
    count = count + 1
    if start > from then
      n = n + 1
      out[n] = sub(s, from + 1, start)
    end
    n = n + 1
    if not value then
      out[n] = sub(s, start + 1, stop)
    elseif type(value) == "string" or type(value) == "number" then
      out[n] = value
    else
      error("invalid replacement value (a " .. type(value) .. ")", 2)
    end
    from, last = stop, stop
    if anchored then
      break
    end
  end
  out[n + 1] = sub(s, from + 1)
  return concat(out), count
end

local function gsub_plainly(s, pattern, replacement, limit)
  local out, n, from, last, count = {}, 0, 0, -1, 0
  repeat
    local refused, piece
    refused, piece, from, last, count = substitute(s, pattern, replacement, limit, from, last, count)
    if refused then
      error(refused, 2)
    end
    n = n + 1
    out[n] = piece
  until not from
  return concat(out), count
end

local function is_light(s, pattern)
  return type(s) == "string" and type(pattern) == "string" and #s <= (reaches[pattern] or learn(pattern))
end

return {
  find = function(s, pattern, init, plain)
    if type(s) == "string" and type(pattern) == "string" and #s <= (reaches[pattern] or learn(pattern)) then
      return c_find(s, pattern, integer(init, 3, "find", 1), plain)
    end
    s, pattern = text(s, 1, "find"), text(pattern, 2, "find")
    local from, way = start_of(integer(init, 3, "find", 1), #s), plain and "plain" or "find"
    return found(s, pattern, way, search(s, pattern, from, way))
  end,

  match = function(s, pattern, init)
    if type(s) == "string" and type(pattern) == "string" and #s <= (reaches[pattern] or learn(pattern)) then
      return c_match(s, pattern, integer(init, 3, "match", 1))
    end
    s, pattern = text(s, 1, "match"), text(pattern, 2, "match")
    return found(s, pattern, "match", search(s, pattern, start_of(integer(init, 3, "match", 1), #s), "match"))
  end,

  gmatch = function(s, pattern, init)
    if is_light(s, pattern) and sub(pattern, 1, 1) ~= "^" then
      return c_gmatch(s, pattern, integer(init, 3, "gmatch", 1))
    end
    s, pattern = text(s, 1, "gmatch"), text(pattern, 2, "gmatch")
    local from, last = start_of(integer(init, 3, "gmatch", 1), #s), -1
    local function go_on(refused, start, stop, ...)
      if refused then
        error(refused, 2)
      elseif start == false then
        return go_on(step(s, pattern, stop, last, false))
      elseif not start then
        from = #s + 1
        return nil
      end
      from, last = stop, stop
      return ...
    end
    return function()
      return go_on(step(s, pattern, from, last, false))
    end
  end,

  gsub = function(s, pattern, replacement, limit)
    local kind = type(replacement)
    if kind == "string" and limit == nil and is_light(s, pattern) and not c_find(replacement, "%", 1, true) then
      return c_gsub(s, pattern, replacement)
    end
    s, pattern = text(s, 1, "gsub"), text(pattern, 2, "gsub")
    if kind == "number" then
      replacement = tostring(replacement)
    elseif kind ~= "string" and kind ~= "table" and kind ~= "function" then
      local got = replacement == nil and "no value" or kind
      error("bad argument #3 to 'gsub' (string/function/table expected, got " .. got .. ")", 2)
    end
    limit = integer(limit, 4, "gsub", #s + 1)
    if kind == "function" or kind == "table" and getmetatable(replacement) ~= nil then
      return gsub_with_code(s, pattern, replacement, limit, is_light(s, pattern))
    end
    return gsub_plainly(s, pattern, replacement, limit)
  end,
}
