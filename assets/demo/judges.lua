-- Four judges are asked at once: one pause with four questions, in any order, by anybody.
-- Try: answer two and leave the rest; the session keeps waiting and says how many are open.
local aspects = { "correctness", "clarity", "tone", "length" }
local text = "The parcel could not be delivered. We will not try again. Have a nice day."

local scores = alc.parallel(aspects, function(aspect)
  return ("Rate the %s of this note from 1 to 10:\n\n%s"):format(aspect, text)
end, { system = "You are a strict judge. Answer with a number.", max_tokens = 4 })

local sum, counted = 0, 0
for i, score in ipairs(scores) do
  local value = tonumber(score:match("%d+"))
  if value then
    sum, counted = sum + value, counted + 1
  else
    alc.log("warn", ("no number for %s: %s"):format(aspects[i], score))
  end
end
alc.stats.record("judges_counted", counted)
return { mean = counted > 0 and sum / counted or nil, scores = scores }
