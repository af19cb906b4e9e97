-- Loops for ever without asking, logging or resting: the program that somebody forgot.
-- Try: cancel it with a reason. It stops within milliseconds and the reason stays with it.
local spins = 0
while true do
  spins = spins + 1
end
