-- May ask three times (ctx.budget says so) and wants to ask five times: the fourth is refused before it is asked.
-- Try: answer three times and watch it go on without you.
local stories = { "a lighthouse", "a lost key", "the last train", "a borrowed name", "rain" }
local told = {}
for _, about in ipairs(stories) do
  local left = alc.budget_remaining()
  alc.log("info", ("%s calls left"):format(left and left.llm_calls or "any number of"))
  local ok, answer = pcall(alc.llm, ("One sentence about %s, please."):format(about), { max_tokens = 60 })
  if not ok then
    alc.log("warn", answer)
    return { told = told, ended_by = answer }
  end
  told[#told + 1] = answer
end
return { told = told }
