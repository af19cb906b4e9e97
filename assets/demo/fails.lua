-- Trips over a value that is not there, as programs do: the error names this script and its line.
-- Try: open it and read the error with its stack; the other sessions have not noticed.
local function total(order)
  return order.price * order.amount
end

local orders = { { price = 3, amount = 2 }, { price = 5 } }
local sum = 0
for _, order in ipairs(orders) do sum = sum + total(order) end
return sum
