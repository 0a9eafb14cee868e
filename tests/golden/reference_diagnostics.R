# Golden values of tests/core/test_diagnostics.py and test_leave_one_out.py.
# R 4.2 with nlme and jsonlite: Rscript reference_diagnostics.R reference_diagnostics.json
# lmtest is not needed: Breusch–Pagan (Koenker), White and RESET by their definition.
library(nlme); library(jsonlite)

koenker <- function(e, columns) {
  aux <- lm(e^2 ~ columns)
  statistic <- length(e) * summary(aux)$r.squared
  df <- aux$rank - 1
  c(statistic, pchisq(statistic, df, lower.tail = FALSE))
}
added <- function(small, large) {
  table <- anova(small, large)
  c(table[["F"]][2], table[["Pr(>F)"]][2])
}

fit <- lm(mpg ~ wt + hp, mtcars)
e <- residuals(fit); f <- fitted(fit)
shapiro <- shapiro.test(rstandard(fit))
cars <- list(
  data = as.list(mtcars[, c("mpg", "wt", "hp")]),
  shapiro = c(shapiro$statistic, shapiro$p.value),
  breusch_pagan = koenker(e, as.matrix(mtcars[, c("wt", "hp")])),
  breusch_pagan_wt = koenker(e, mtcars$wt),
  breusch_pagan_hp = koenker(e, mtcars$hp),
  white_fitted = koenker(e, cbind(f, f^2)),
  reset = added(fit, update(fit, . ~ . + I(f^2) + I(f^3))),
  added_wt2 = added(fit, update(fit, . ~ . + I(wt^2))),
  added_hp2 = added(fit, update(fit, . ~ . + I(hp^2))),
  cook = unname(cooks.distance(fit)),
  leverage = unname(hatvalues(fit)),
  rstudent = unname(rstudent(fit))
)

# Each child left out; Z by the SD of prediction of a single value.
children <- as.data.frame(Orthodont)
children$Subject <- factor(as.character(children$Subject))
model <- function(data) lme(distance ~ age + Sex, data, ~ 1 | Subject,
  control = lmeControl(opt = "optim", reltol = 1e-14, msTol = 1e-14, tolerance = 1e-14))
z <- numeric(nrow(children))
# Uneven: the first values of some children are taken away.
children <- children[-c(1, 5, 6, 50, 51, 52), ]
z <- numeric(nrow(children))
for (one in levels(children$Subject)) {
  out <- children$Subject == one
  found <- model(droplevels(children[!out, ]))
  x <- cbind(1, children$age[out], children$Sex[out] == "Female")
  between <- as.numeric(VarCorr(found)[1, 1])
  variance <- rowSums((x %*% vcov(found)) * x) + between + found$sigma^2
  z[out] <- (children$distance[out] - x %*% fixef(found)) / sqrt(variance)
}
orthodont <- list(
  data = list(distance = children$distance, age = children$age,
              female = as.integer(children$Sex == "Female"),
              subject = as.character(children$Subject)),
  z_left_out = z
)
write(toJSON(list(r = R.version.string, mtcars = cars, orthodont = orthodont),
             digits = 12, auto_unbox = TRUE, pretty = FALSE),
      commandArgs(TRUE)[1])
