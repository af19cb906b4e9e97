--- Lets a jury judge a text, and counts its votes.
local M = {}

local function opinion(text, juror)
  return alc.cache("Juror " .. juror .. ", is this true? " .. text, { cache_key = juror .. text, max_tokens = 20 })
end

function M.run(ctx)
  alc.progress(1, 3, "asking")
  local votes = alc.map(ctx.jurors, function(juror)
    return tostring(alc.match_bool(opinion(ctx.task, juror)))
  end)
  opinion(ctx.task, ctx.jurors[1])
  local verdict = alc.vote(votes)
  alc.stats.record("count", verdict.count)
  alc.log("info", "winner " .. verdict.winner)
  alc.log_fmt("debug", "%d of %d", alc.stats.get("count"), verdict.total)
  local marks = alc.parallel(alc.filter(ctx.jurors, function(_, i) return i < 3 end), function(juror)
    return juror .. ", give a mark"
  end, { system = "Be strict.", post_fn = function(answer) return alc.parse_score(answer) end })
  local reasons = alc.llm_batch({ { prompt = "Why?" }, { prompt = "Why not?", grounded = true } })
  local seen = alc.cache_info()
  alc.cache_clear()
  alc.progress(3, 3)
  ctx.result = {
    winner = verdict.winner,
    marks = alc.reduce(marks, function(sum, mark) return sum + mark end, 0),
    kind = alc.match_enum(reasons[1], { "FACT", "OPINION" }),
    reasons = #reasons,
    remembered = { seen.hits, seen.misses, alc.cache_info().entries },
    asked = alc.stats.llm_calls(),
    left = alc.budget_remaining().llm_calls,
    may_go_on = alc.budget_check(),
  }
  return ctx
end

return M
