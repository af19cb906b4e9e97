-- Counts primes for about a minute and says how far it is; it never asks anything.
-- Try: look at its feed while it runs. It shares the machine with the others and can be cancelled at any moment.
local STEPS, WIDTH = 60, 250000
local started = alc.time()

local function is_prime(n)
  if n % 2 == 0 then
    return n == 2
  end
  for divisor = 3, math.floor(math.sqrt(n)), 2 do
    if n % divisor == 0 then
      return false
    end
  end
  return n > 1
end

local primes = 0
for step = 1, STEPS do
  for n = (step - 1) * WIDTH, step * WIDTH - 1 do
    if is_prime(n) then
      primes = primes + 1
    end
  end
  alc.progress(step, STEPS, ("%d primes below %d"):format(primes, step * WIDTH))
end
alc.stats.record("seconds", alc.time() - started)
return { primes = primes, below = STEPS * WIDTH }
