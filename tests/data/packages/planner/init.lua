--- Runs other packages one after the other, and measures one of them.
local M = {}

function M.run(ctx)
  local made = alc.pipe({ "planner.step", function(c) c.result = { c.task } return c end, "planner.step" }, { task = ctx.task },
    { on_error = "skip", on_stage = function(i, name) alc.log("info", i .. " " .. name) end })
  local report = alc.eval("planner.cases", "planner.step")
  ctx.result = { made = made.result, stages = #made.pipe_history, rate = report.aggregated.pass_rate, asked = alc.llm("Done?") }
  return ctx
end

return M
