-- Does its work and returns without asking anybody: most programs are like this.
-- Try: open it and read its result; there is no question and no usage.
local words = {}
for word in ("the quick brown fox jumps over the lazy dog the end"):gmatch("%a+") do
  words[word] = (words[word] or 0) + 1
end
alc.log("info", "counted the words")
return words
