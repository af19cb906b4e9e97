-- `alc.pipe`: strategies one after the other, each with what the one before made.

local _, kept = ...
local alc, check, error, ipairs, next, pcall, readable, type =
  alc, kept.check, error, ipairs, next, pcall, kept.readable, type

-- The name of a stage and what it runs; errors name the caller of `alc.pipe`.
local function stage(i, entry)
  if type(entry) == "function" then
    return "(inline-" .. i .. ")", entry
  elseif type(entry) ~= "string" then
    error("alc.pipe: strategy[" .. i .. "] must be a string or function", 3)
  end
  local ok, package = check(pcall(kept.require_module, entry))
  if not ok then
    error("alc.pipe: failed to load strategy '" .. entry .. "': " .. readable(package), 3)
  elseif type(package) ~= "table" or type(package.run) ~= "function" then
    error("alc.pipe: strategy '" .. entry .. "' must export run(ctx)", 3)
  end
  return entry, package.run
end

local function add(history, entry)
  history[#history + 1] = entry
end

return {
  pipe = function(strategies, ctx, opts)
    if type(strategies) ~= "table" or #strategies == 0 then
      error("alc.pipe: strategies must be a non-empty array", 2)
    elseif type(ctx) ~= "table" then
      error("alc.pipe: ctx must be a table", 2)
    end
    opts = opts or {}
    local goes_on = opts.on_error ~= nil and opts.on_error ~= "abort"
    local now = {}
    for k, v in next, ctx do
      now[k] = v
    end
    now.pipe_history = {}
    for i, entry in ipairs(strategies) do
      local name, run = stage(i, entry)
      local ok, made = true, nil
      if goes_on then
        ok, made = check(pcall(run, now))
      else
        made = run(now)
      end
      if not ok then
        alc.log("warn", "alc.pipe: stage '" .. name .. "' failed: " .. readable(made))
        add(now.pipe_history, { strategy = name, error = readable(made) })
      elseif type(made) ~= "table" then
        error("alc.pipe: strategy '" .. name .. "' must return a table (ctx)", 2)
      else
        now = made
        add(now.pipe_history, { strategy = name, result = now.result })
        if now.result ~= nil and i < #strategies then
          now.task = type(now.result) == "table" and alc.json_encode(now.result) or readable(now.result)
        end
        if opts.on_stage then
          opts.on_stage(i, name, now)
        end
      end
    end
    return now
  end,
}
