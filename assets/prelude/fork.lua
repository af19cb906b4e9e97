-- `alc.fork`: strategies at the same time, each in a session of its own.

local host, kept = ...
local perform, want = kept.perform, host("want_fork")

return {
  fork = function(strategies, ctx, opts)
    return perform("alc.fork", want(strategies, ctx, opts))
  end,
}
