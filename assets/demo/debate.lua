-- Two sides argue in turn, each answering the other's last words, and a judge decides at the end.
-- Try: play both sides. The system text of each question tells you who you are.
local topic, rounds = ctx.topic or "Tabs are better than spaces", ctx.rounds or 2
local record = {}

local function speak(side, stance)
  local last = record[#record]
  local prompt = last and ("The other side said: “%s”\nReply to it."):format(last.text) or "Open the debate."
  local text = alc.llm(prompt, {
    system = ("You argue %s: %s"):format(stance, topic),
    max_tokens = 200,
    role = side,
  })
  record[#record + 1] = { side = side, text = text }
end

for round = 1, rounds do
  alc.progress(round, rounds, "round " .. round)
  speak("pro", "for")
  speak("contra", "against")
end

local lines = alc.map(record, function(entry)
  return entry.side .. ": " .. entry.text
end)
local verdict = alc.llm("Who won, pro or contra?\n\n" .. table.concat(lines, "\n"), { role = "judge", max_tokens = 10 })
return { topic = topic, verdict = verdict, record = record }
