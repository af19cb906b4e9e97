-- Doubles a text until its memory limit ends it: only this session fails, and the machine does not notice.
-- Try: open it; the failure names the limit.
local text = "boom "
while true do
  text = text .. text
  alc.log("debug", ("%d bytes"):format(#text))
end
