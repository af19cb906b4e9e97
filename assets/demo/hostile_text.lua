-- Asks and logs text that terminals trip over: escape sequences, wide characters, emoji, marks that turn the text round.
-- Try: read it here. Nothing of it may change a colour, move the cursor or shift a column.
alc.log("info", "colour: \27[31mred?\27[0m title: \27]0;owned\7 clear: \27[2J end")
alc.log("info", "wide: 漢字かな交じり文 한글 family: 👨‍👩‍👧‍👦 flag: 🇨🇭 accents: e\u{301} Zalgo: Z\u{351}\u{36b}\u{343}")
print("a tab\tand a carriage return\rand a bell\7 and a null\0.")
local answer = alc.llm(
  "Is “\u{202E}txt.exe\u{202C}” a safe name? 漢字 🙂\27[5m blink \27[0m\r\nSecond line with a tab\there.",
  { system = "Answer in any script you like: ｆｕｌｌ ｗｉｄｔｈ, עברית, العربية." }
)
alc.log("info", "you said: " .. answer)
return { answer = answer, length = utf8.len(answer) }
