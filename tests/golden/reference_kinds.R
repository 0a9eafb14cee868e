# R 4.2, quantreg: golden values of reference_kinds.json.
suppressMessages({library(quantreg); library(jsonlite)})
data(engel)
tau <- c(.025, .05, .1, .25, .5, .75, .9, .95, .975)
fit <- rq(foodexp ~ income, tau = tau, data = engel)
income <- c(420, 800, 1500, 2600)
food <- c(300, 560, 900, 1600)
q <- predict(fit, data.frame(income = income))
z <- sapply(seq_along(income), function(i) approx(q[i, ], qnorm(tau), xout = food[i])$y)
groups <- lapply(c(4, 6, 8), function(k) {
  y <- mtcars$mpg[mtcars$cyl == k]
  p <- predict(lm(y ~ 1), data.frame(row.names = 1), interval = "prediction")
  sdp <- sd(y) * sqrt(1 + 1 / length(y))
  list(cyl = k, n = length(y), mean = mean(y), sd = sd(y), lower = p[1, 2], upper = p[1, 3],
       z_of_18 = (18 - mean(y)) / sdp, percent_of_18 = 100 * pt((18 - mean(y)) / sdp, length(y) - 1))
})
set <- list(
  source = paste(R.version.string, "quantreg", packageVersion("quantreg")),
  quantiles = list(tau = tau, coefficients = t(coef(fit)), income = income, food = food,
                   values = unname(q), z = z, percent = 100 * pnorm(z)),
  groups = groups)
write(toJSON(set, digits = I(15), auto_unbox = TRUE, pretty = TRUE, na = "null"), "reference_kinds.json")
