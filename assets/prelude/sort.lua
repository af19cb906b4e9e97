-- `table.sort`, written here so that a comparator may be interrupted and may ask. Quicksort on the median of three
-- that compares and exchanges in the order in which the C library does, so that elements that compare equal end up in the same
-- places; where the C library asks the clock for a pivot, this one takes a fixed number.

local error, getmetatable, sort, type = error, getmetatable, sort, type

-- The C library's own sort is faster and knows no chance up to this length.
local SMALL = 100
-- Any odd number will do; it only has to be the same in every run.
local CHANCE = 0x5eed1

local function less_than(a, b)
  return a < b
end

-- The place of the pivot, or nil where the comparator contradicts itself.
local function partition(t, lo, up, pivot, less)
  local i, j = lo, up - 1
  while true do
    i = i + 1
    while less(t[i], pivot) do
      if i == up - 1 then
        return nil
      end
      i = i + 1
    end
    j = j - 1
    while less(pivot, t[j]) do
      if j < i then
        return nil
      end
      j = j - 1
    end
    if j < i then
      t[up - 1], t[i] = t[i], t[up - 1]
      return i
    end
    t[i], t[j] = t[j], t[i]
  end
end

-- Whether the comparator did not contradict itself.
local function sort_range(t, lo, up, chance, less)
  while lo < up do
    if less(t[up], t[lo]) then
      t[lo], t[up] = t[up], t[lo]
    end
    if up - lo == 1 then
      return true
    end
    local p
    if up - lo < SMALL or chance == 0 then
      p = (lo + up) // 2
    else
      local quarter = (up - lo) // 4
      p = chance % (quarter * 2) + lo + quarter
    end
    if less(t[p], t[lo]) then
      t[p], t[lo] = t[lo], t[p]
    elseif less(t[up], t[p]) then
      t[p], t[up] = t[up], t[p]
    end
    if up - lo == 2 then
      return true
    end
    local pivot = t[p]
    t[p], t[up - 1] = t[up - 1], pivot
    p = partition(t, lo, up, pivot, less)
    if not p then
      return false
    end
    local smaller
    if p - lo < up - p then
      if not sort_range(t, lo, p - 1, chance, less) then
        return false
      end
      smaller = p - lo
      lo = p + 1
    else
      if not sort_range(t, p + 1, up, chance, less) then
        return false
      end
      smaller = up - p
      up = p - 1
    end
    if (up - lo) // 128 > smaller then
      chance = CHANCE
    end
  end
  return true
end

return {
  sort = function(t, less)
    if type(t) ~= "table" then
      error("bad argument #1 to 'sort' (table expected, got " .. type(t) .. ")", 2)
    end
    local n = #t
    if n < 2 then
      return
    elseif n >= 0x7fffffff then
      error("bad argument #1 to 'sort' (array too big)", 2)
    elseif less == nil then
      local first = type(t[1])
      if n <= SMALL and (first == "number" or first == "string") and getmetatable(t) == nil then
        return sort(t)
      end
    elseif type(less) ~= "function" then
      error("bad argument #2 to 'sort' (function expected, got " .. type(less) .. ")", 2)
    end
    if not sort_range(t, 1, n, 0, less or less_than) then
      error("invalid order function for sorting", 2)
    end
  end,
}
