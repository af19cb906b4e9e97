-- `os`: the session's recorded clocks, dates in UTC, and the environment it was given.

local host = ...
local error, isyieldable, type, yield = error, isyieldable, type, yield
local clock, date, getenv, now, time_of = host("clock"), host("date"), host("getenv"), host("now"), host("time_of")

local function read(value, full)
  if full and isyieldable() then
    yield()
  end
  return value
end

local function seconds_now()
  return read(now()) // 1000
end

local function fill(t, year, month, day, hour, min, sec, wday, yday)
  t.year, t.month, t.day, t.hour, t.min, t.sec = year, month, day, hour, min, sec
  t.wday, t.yday, t.isdst = wday, yday, false
  return t
end

local function take_time(t, refused, seconds, ...)
  if refused then
    error(refused, 2)
  end
  fill(t, ...)
  return seconds
end

local function take_date(refused, text, ...)
  if refused then
    error(refused, 2)
  end
  return text or fill({}, ...)
end

local function number(v, n, name)
  if type(v) ~= "number" then
    error("bad argument #" .. n .. " to '" .. name .. "' (number expected, got " .. type(v) .. ")", 3)
  end
  return v
end

return {
  clock = function()
    return read(clock())
  end,
  date = function(template, seconds)
    if template == nil then
      template = "%c"
    end
    return take_date(date(template, seconds or seconds_now()))
  end,
  difftime = function(later, earlier)
    return number(later, 1, "difftime") - number(earlier, 2, "difftime") + 0.0
  end,
  getenv = function(name)
    return getenv(name)
  end,
  time = function(t)
    if t == nil then
      return seconds_now()
    elseif type(t) ~= "table" then
      error("bad argument #1 to 'time' (table expected, got " .. type(t) .. ")", 2)
    end
    return take_time(t, time_of(t.year, t.month, t.day, t.hour, t.min, t.sec))
  end,
}
