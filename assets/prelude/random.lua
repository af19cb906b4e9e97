-- `math.random` and `math.randomseed`, seeded from the session's record.

local host = ...
local randomseed, seed, select = randomseed, host("seed"), select

randomseed(seed(), 0)

return {
  random = random,
  randomseed = function(...)
    if select("#", ...) > 0 then
      return randomseed(...)
    end
    return randomseed(seed(), 0)
  end,
}
