-- A reviewer that shows you one finding after the other and asks what it is worth, until you say "stop".
-- Try: answer a few with a word or a number, then "stop". The result lists what you said.
local findings = {
  "the lock is still held while the file is written",
  "the loop asks the database once for each row",
  "an empty name is accepted",
  "the error text shows the user's token",
  "the retry has no upper bound",
}

local said = {}
local round = 0
while true do
  round = round + 1
  local finding = findings[(round - 1) % #findings + 1]
  local answer = alc.llm(
    ("Finding %d: %s.\nHow bad is it? (critical, minor, wrong; or stop)"):format(round, finding),
    { system = "You review a patch to a payment service. One word is enough.", max_tokens = 20 }
  )
  if answer:lower():match("^%s*stop") then
    break
  end
  alc.log("info", ("finding %d is %s"):format(round, answer))
  said[#said + 1] = { finding = finding, verdict = answer }
end
return { rounds = round, verdicts = said }
