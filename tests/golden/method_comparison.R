# Values for tests/core/test_method_comparison.py, by the definitions, in base R.
# Rscript method_comparison.R < method_comparison.json > method_comparison_r.json
library(jsonlite)
examples <- fromJSON(file("stdin"), simplifyVector = TRUE)$examples

deming <- function(x, y, lambda, w = rep(1, length(x))) {
  mx <- weighted.mean(x, w); my <- weighted.mean(y, w)
  u <- sum(w * (x - mx)^2); q <- sum(w * (y - my)^2); p <- sum(w * (x - mx) * (y - my))
  b <- (q - lambda * u + sqrt((q - lambda * u)^2 + 4 * lambda * p^2)) / (2 * p)
  c(my - b * mx, b)
}
weighted <- function(x, y, lambda) {
  level <- (lambda * x + y) / (lambda + 1)
  for (turn in 1:500) {
    line <- deming(x, y, lambda, 1 / level^2)
    off <- (y - line[1] - line[2] * x) / (lambda + line[2]^2)
    level <- (lambda * (x + line[2] * off) + y - lambda * off) / (lambda + 1)
  }
  line
}
jackknife <- function(f, x, y, lambda) {
  n <- length(x)
  left <- sapply(1:n, function(i) f(x[-i], y[-i], lambda))
  (n - 1) / n * tcrossprod(left - rowMeans(left))
}
paba <- function(x, y, level) {
  n <- length(x); s <- c()
  for (i in 1:(n - 1)) for (j in (i + 1):n) {
    dx <- x[i] - x[j]; dy <- y[i] - y[j]
    if (dx == 0 && dy == 0) next
    if (abs(dx + dy) < 1e-9) next
    s <- c(s, if (dx == 0) Inf else dy / dx)
  }
  s <- sort(s); N <- length(s); K <- sum(s < -1)
  b <- if (N %% 2) s[(N + 1) / 2 + K] else mean(s[N / 2 + K + 0:1])
  C <- qnorm((1 + level) / 2) * sqrt(n * (n - 1) * (2 * n + 5) / 18)
  M1 <- round((N - C) / 2)
  ends <- c(s[M1 + K], s[N - M1 + 1 + K])
  list(slope = b, intercept = median(y - b * x), slope_interval = ends,
       intercept_interval = sapply(rev(ends), function(e) median(y - e * x)),
       N = N, K = K)
}
limits <- function(x, y) {
  d <- y - x; n <- length(d); fit <- summary(lm(d ~ I((x + y) / 2)))$coefficients
  t <- qt(c(.025, .975), n - 1, ncp = 1.96 * sqrt(n)) * sd(d) / sqrt(n)
  list(bias = mean(d), sd = sd(d), upper_interval = mean(d) + t,
       slope = fit[2, 1], slope_se = fit[2, 2], p = fit[2, 4])
}
out <- lapply(examples, function(e) {
  x <- as.numeric(e$x); y <- as.numeric(e$y)
  level <- if (is.null(e$level)) 0.95 else e$level
  lines <- lapply(c(0.25, 1, 1.21), function(lambda) list(
    ratio = lambda,
    deming = deming(x, y, lambda), deming_cov = jackknife(deming, x, y, lambda),
    weighted = weighted(x, y, lambda), weighted_cov = jackknife(weighted, x, y, lambda)))
  if (length(x) < 10) lines <- lapply(lines, function(l) l[c("ratio", "deming", "deming_cov")])
  list(lines = lines, paba = paba(x, y, level), limits = limits(x, y))
})
cat(toJSON(out, digits = 15, auto_unbox = TRUE), "\n")
