-- Asks inside pcall, as careful programs do: an error in what it makes of your answer is caught, and it asks again.
-- Try: answer with a word first; then with a number.
local function ask_number(attempt)
  local answer = alc.llm(("How many people will come? (a number; attempt %d)"):format(attempt))
  local number = tonumber(answer)
  if not number then
    error(("“%s” is not a number"):format(answer), 0)
  end
  return number
end

for attempt = 1, 5 do
  local ok, result = pcall(ask_number, attempt)
  if ok then
    return { people = result, attempts = attempt }
  end
  alc.log("warn", result)
end
return { people = nil, attempts = 5 }
