-- `alc.log`, `alc.progress`, `alc.stats` and `alc.time`: what a program says on its way, and the recorded clock.

local host = ...
local error, select, isyieldable, yield = error, select, isyieldable, yield
local decode, log, progress, now = host("decode"), host("log"), host("progress"), host("now")
local record, figure, llm_calls = host("record"), host("figure"), host("llm_calls")

-- The figures as JSON text, so that later changes of a recorded table do not show.
local figures = {}

local function settle(refused, full)
  if refused then
    error(refused, 0)
  elseif full and isyieldable() then
    yield()
  end
end

local function keep(refused, full, key, text)
  settle(refused, full)
  figures[key] = text
end

local function take(refused, key)
  if refused then
    error(refused, 0)
  end
  local text = figures[key]
  if text then
    return select(2, decode(text))
  end
  return nil
end

local function seconds(ms, full)
  if full and isyieldable() then
    yield()
  end
  return ms / 1000
end

return {
  log = function(level, message)
    settle(log(level, message))
  end,
  progress = function(step, total, message)
    settle(progress(step, total, message))
  end,
  stats = {
    record = function(key, value)
      keep(record(key, value))
    end,
    get = function(key)
      return take(figure(key))
    end,
    llm_calls = function()
      return llm_calls()
    end,
  },
  time = function()
    return seconds(now())
  end,
}
