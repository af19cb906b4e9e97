-- `table.insert`, `remove`, `concat` and `move`. The C functions do what is short and plain; where a metatable may lie
-- about the length, or there is much to shift, the loop is here, where it can be interrupted.

local _, kept = ...
local error, getmetatable, select, tonumber, type = error, getmetatable, select, tonumber, type
local concat, gsub, insert, move, pcall, remove, unpack = concat, gsub, insert, move, pcall, remove, unpack
local MAX = 0x7fffffffffffffff

-- So many elements are shifted in a few microseconds.
local SHORT = 5000

-- More than this many values never fit on a Lua stack; the C function makes room for them before it finds out.
local STACK = 999000

-- The C function names neither itself nor a line of the program when it is called from here.
local function result(ok, value)
  if not ok then
    kept.check(false, value)
    if type(value) == "string" then
      error(gsub(value, "'%?'", "'concat'"), 2)
    end
    error(value, 0)
  end
  return value
end

local function is_plain(t)
  return type(t) == "table" and getmetatable(t) == nil
end

local function expect_table(t, name)
  if type(t) ~= "table" and getmetatable(t) == nil then
    error("bad argument #1 to '" .. name .. "' (table expected, got " .. type(t) .. ")", 3)
  end
end

local function integer(v, n, name, default)
  if v == nil and default then
    return default
  end
  local kind = type(v)
  local number = (kind == "number" or kind == "string") and tonumber(v)
  if number and number // 1 == number and number >= -0x1p63 and number < 0x1p63 then
    return number | 0
  else
    local what = number and "number has no integer representation"
      or "number expected, got " .. (v == nil and "no value" or type(v))
    error("bad argument #" .. n .. " to '" .. name .. "' (" .. what .. ")", 3)
  end
end

return {
  insert = function(t, ...)
    local n = select("#", ...)
    if type(t) ~= "table" then
      expect_table(t, "insert")
    elseif n == 1 then
      t[#t + 1] = ...
      return
    end
    local size = #t + 1
    if n == 2 then
      local pos, v = ...
      if pos == nil then
        error("bad argument #2 to 'insert' (number expected, got nil)", 2)
      end
      pos = integer(pos, 2, "insert")
      if pos < 1 or pos > size then
        error("bad argument #2 to 'insert' (position out of bounds)", 2)
      elseif size < SHORT and getmetatable(t) == nil then
        return insert(t, pos, v)
      end
      for i = size, pos + 1, -1 do
        t[i] = t[i - 1]
      end
      t[pos] = v
    else
      error("wrong number of arguments to 'insert'", 2)
    end
  end,

  remove = function(t, pos)
    if pos == nil and is_plain(t) then
      return remove(t)
    end
    expect_table(t, "remove")
    local size = #t
    pos = integer(pos, 2, "remove", size)
    if pos ~= size and (pos < 1 or pos > size + 1) then
      error("bad argument #2 to 'remove' (position out of bounds)", 2)
    end
    if size < SHORT and is_plain(t) then
      return remove(t, pos)
    end
    local removed = t[pos]
    while pos < size do
      t[pos] = t[pos + 1]
      pos = pos + 1
    end
    t[pos] = nil
    return removed
  end,

  concat = function(t, separator, i, j)
    if is_plain(t) then
      if #t > SHORT then
        kept.hurry()
      end
      return result(pcall(concat, t, separator, i, j))
    end
    expect_table(t, "concat")
    i, j = integer(i, 3, "concat", 1), integer(j, 4, "concat", #t)
    local pieces, n = {}, 0
    for k = i, j do
      local piece = t[k]
      if type(piece) ~= "string" and type(piece) ~= "number" then
        error("invalid value (" .. type(piece) .. ") at index " .. k .. " in table for 'concat'", 2)
      end
      n = n + 1
      pieces[n] = piece
    end
    return result(pcall(concat, pieces, separator))
  end,

  move = function(from, f, e, t, to)
    expect_table(from, "move")
    f, e, t = integer(f, 2, "move"), integer(e, 3, "move"), integer(t, 4, "move")
    if to == nil then
      to = from
    elseif type(to) ~= "table" and getmetatable(to) == nil then
      error("bad argument #5 to 'move' (table expected, got " .. type(to) .. ")", 2)
    end
    if e < f then
      return to
    elseif not (f > 0 or e < MAX + f) then
      error("bad argument #3 to 'move' (too many elements to move)", 2)
    elseif t > MAX - (e - f + 1) + 1 then
      error("bad argument #4 to 'move' (destination wrap around)", 2)
    elseif e - f < SHORT and is_plain(from) and is_plain(to) then
      return move(from, f, e, t, to)
    elseif t > e or t <= f or to ~= from then
      for i = 0, e - f do
        to[t + i] = from[f + i]
      end
    else
      for i = e - f, 0, -1 do
        to[t + i] = from[f + i]
      end
    end
    return to
  end,

  unpack = function(t, i, j)
    if i == nil and j == nil and is_plain(t) and #t <= SHORT then
      return unpack(t)
    end
    expect_table(t, "unpack")
    i, j = integer(i, 2, "unpack", 1), integer(j, 3, "unpack", j == nil and #t or nil)
    local n = j - i
    if i > j then
      return
    elseif n < 0 or n > STACK then
      error("too many results to unpack", 2)
    elseif n > SHORT then
      kept.hurry()
    end
    return unpack(t, i, j)
  end,
}
