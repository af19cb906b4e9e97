-- Asks its next question the very moment you answer the last: twenty of them, with nothing in between.
-- Try: answer fast. The next question is there before you look, and no answer of yours ever meets the wrong one.
local answers = {}
for n = 1, 20 do
  answers[n] = alc.llm(("Question %d of 20: is it bigger than a bread box?"):format(n), { max_tokens = 5 })
end
return answers
