-- Coroutines that a program makes: questions and preemption pass through them to the session's own thread, and what
-- the session replies comes back in.

local _, kept = ...
local ASK, REFUSED, YIELDED = ASK, REFUSED, YIELDED
local check, error, select, type = kept.check, error, select, type
local close, create, isyieldable, resume, status, yield = close, create, isyieldable, resume, status, yield

-- A program that resumes coroutines all the time may never reach the count of instructions at which the hook looks at
-- the clock, since every coroutine counts for itself.
local resumes = 0
local function breathe()
  resumes = resumes + 1
  if resumes >= 16 then
    resumes = 0
    if kept.slice_is_over() and isyieldable() then
      yield()
    end
  end
end

local function pass(co, ok, ...)
  local mark = ...
  if mark == YIELDED then
    return true, select(2, ...)
  elseif not ok then
    return check(false, ...)
  elseif mark == ASK then
    if isyieldable() then
      return pass(co, resume(co, yield(ASK)))
    end
    return pass(co, resume(co, REFUSED))
  elseif status(co) ~= "suspended" then
    return true, ...
  end
  if isyieldable() then
    yield()
  end
  return pass(co, resume(co))
end

local function hand_over(co, ok, ...)
  local mark = ...
  if mark == YIELDED then
    return select(2, ...)
  elseif not ok then
    local _, e = check(false, ...)
    if status(co) == "dead" then
      local closed, later = close(co)
      if not closed then
        _, e = check(false, later)
      end
    end
    error(e, 2)
  elseif mark == ASK then
    if isyieldable() then
      return hand_over(co, resume(co, yield(ASK)))
    end
    return hand_over(co, resume(co, REFUSED))
  elseif status(co) ~= "suspended" then
    return ...
  end
  if isyieldable() then
    yield()
  end
  return hand_over(co, resume(co))
end

local function expect_coroutine(co, name)
  if type(co) ~= "thread" then
    error("bad argument #1 to '" .. name .. "' (coroutine expected)", 3)
  end
end

return {
  resume = function(co, ...)
    expect_coroutine(co, "resume")
    breathe()
    return pass(co, resume(co, ...))
  end,

  wrap = function(f)
    if type(f) ~= "function" then
      error("bad argument #1 to 'wrap' (function expected)", 2)
    end
    local co = create(f)
    return function(...)
      breathe()
      return hand_over(co, resume(co, ...))
    end
  end,

  yield = function(...)
    return yield(YIELDED, ...)
  end,

  close = function(co)
    expect_coroutine(co, "close")
    local now = status(co)
    if now ~= "suspended" and now ~= "dead" then
      error("cannot close a " .. now .. " coroutine", 2)
    end
    return check(close(co))
  end,
}
