# Writes skewed_fits.json: Rscript make_skewed_fits.R, in this folder.
# Needs R with MASS, quantreg, VGAM, splines, jsonlite.
suppressMessages({library(MASS); library(quantreg); library(VGAM); library(splines); library(jsonlite)})
plain <- function(x) round(x, 10)

# Box-Cox: the profile likelihood of MASS::boxcox, its maximum and interval not on a grid.
profile_of <- function(y, X) {
  u <- y / exp(mean(log(y)))
  function(l) {
    t <- if (abs(l) < 1e-12) log(u) else (u^l - 1) / l
    -length(y) / 2 * log(sum(lm.fit(X, t)$residuals^2))
  }
}
box_cox <- function(formula, data) {
  m <- lm(formula, data = data, y = TRUE, qr = TRUE)
  f <- profile_of(m$y, model.matrix(m))
  top <- optimize(f, c(-3, 3), maximum = TRUE, tol = 1e-12)
  level <- top$objective - qchisq(.95, 1) / 2
  edge <- function(end) if (f(end) > level) end else
    uniroot(function(l) f(l) - level, sort(c(top$maximum, end)), tol = 1e-13)$root
  grid <- boxcox(m, lambda = seq(-3, 3, by = .001), plotit = FALSE, interp = FALSE)
  inside <- grid$x[grid$y > max(grid$y) - qchisq(.95, 1) / 2]
  list(values = unname(m$y), design = unname(model.matrix(m)), power = top$maximum,
    low = edge(-3), high = edge(3), mass = c(grid$x[which.max(grid$y)], range(inside)))
}
# Values that are nearly alike tell no power: the interval reaches the limits.
flat <- data.frame(y = c(100, 101, 102, 102.5, 104), x = c(1, 2, 3, 4, 5))
out <- list(box_cox = list(
  trees = box_cox(Volume ~ Height + Girth, trees), mtcars = box_cox(mpg ~ wt + hp, mtcars),
  cars = box_cox(dist ~ speed, cars), flat = box_cox(y ~ x, flat)))

# Quantile regression. With 223 subjects n p is never whole, so each plane is the only one.
taus <- c(.025, .05, .1, .25, .5, .75, .9, .95, .975)
coefficients <- function(f, d) setNames(lapply(taus, function(t) unname(coef(rq(f, tau = t, data = d)))), taus)
n <- 223; i <- 0:(n - 1)
d <- data.frame(age = plain(18 + ((i * 37) %% n) * 67 / n), male = i %% 2)
d$value <- round(45 + .3 * d$age - .002 * d$age^2 - 5 * d$male +
  (4 + .12 * d$age) * (3 * (((i * i * 7 + i * 13) %% 101) / 101)^2 + sin(i)), 4)
data(engel)
out$quantiles <- list(age = d$age, male = d$male, value = d$value,
  coefficients = coefficients(value ~ age + I(age^2) + male, d),
  engel = coefficients(foodexp ~ income, engel))

# LMS: the likelihood of Cole and Green by optim, and VGAM::lms.bcn, which stops earlier.
set.seed(20)
n <- 160
age <- round(runif(n, 18, 85), 1); male <- rep(0:1, n / 2)
m <- exp(3.6 + .006 * age + .00006 * (age - 50)^2 - .08 * male); s <- .15 + .001 * age; l <- -.4
y <- round(m * (1 + l * s * qnorm((rank(runif(n)) - .5) / n))^(1 / l), 3)
knot <- unname(quantile(age, .5))
basis <- ns(age, knots = knot); at <- c(20, 35, 50, 65, 80); there <- predict(basis, at)
d <- data.frame(y, age, male, b1 = basis[, 1], b2 = basis[, 2])
new <- data.frame(age = at, male = 0, b1 = there[, 1], b2 = there[, 2])
of <- function(...) cbind(c(...))
constraints <- list(
  constant = list("(Intercept)" = diag(3), b1 = of(0, 1, 0), b2 = of(0, 1, 0)),
  straight = list("(Intercept)" = diag(3), b1 = of(0, 1, 0), b2 = of(0, 1, 0),
    age = of(0, 0, 1), male = of(0, 1, 0)))
formulas <- list(constant = y ~ b1 + b2, straight = y ~ b1 + b2 + age + male)
one <- matrix(1, n, 1); one5 <- matrix(1, 5, 1); B <- cbind(1, basis); B5 <- cbind(1, there)
designs <- list(
  constant = list(one, B, one, one5, B5, one5),
  straight = list(one, cbind(B, male), cbind(1, age), one5, cbind(B5, 0), cbind(1, at)))
out$lms <- list(age = age, male = male, value = y, knot = knot, at = at)
for (k in names(designs)) {
  D <- designs[[k]]; sizes <- sapply(D[1:3], ncol)
  i1 <- 1:sizes[1]; i2 <- sizes[1] + 1:sizes[2]; i3 <- sizes[1] + sizes[2] + 1:sizes[3]
  likelihood <- function(p) {
    L <- drop(D[[1]] %*% p[i1]); lm <- drop(D[[2]] %*% p[i2]); ls <- drop(D[[3]] %*% p[i3])
    z <- ((y / exp(lm))^L - 1) / (L * exp(ls))
    sum(L * (log(y) - lm) - ls - z^2 / 2 - log(y) - .5 * log(2 * pi))
  }
  p <- c(1, rep(0, sizes[1] - 1), mean(log(y)), rep(0, sizes[2] - 1), log(.2), rep(0, sizes[3] - 1))
  scale <- rep(1, length(p)); if (k == "straight") scale[length(p)] <- .02
  for (r in 1:20) p <- optim(p, function(q) -likelihood(q),
    method = if (r %% 2) "BFGS" else "Nelder-Mead",
    control = list(reltol = 1e-16, maxit = 5000, parscale = scale))$par
  v <- suppressWarnings(predict(vglm(formulas[[k]], lms.bcn(zero = NULL, lmu = "loglink"), data = d,
    constraints = constraints[[k]], epsilon = 1e-13, maxit = 500), new))
  out$lms[[k]] <- list(log_likelihood = likelihood(p), l = drop(D[[4]] %*% p[i1]),
    log_m = drop(D[[5]] %*% p[i2]), log_s = drop(D[[6]] %*% p[i3]),
    vgam = list(l = unname(v[, 1]), log_m = unname(v[, 2]), log_s = unname(v[, 3])))
}
writeLines(toJSON(out, digits = 15, auto_unbox = TRUE), "skewed_fits.json")
