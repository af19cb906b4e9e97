return { run = function(ctx) ctx.result = alc.llm("Step: " .. ctx.task) return ctx end }
