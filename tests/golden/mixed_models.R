# Rscript mixed_models.R > mixed_models.json
# R 4.2.2 with nlme, lme4 and jsonlite: least squares, and random-intercept models of
# Orthodont (Potthoff & Roy 1964), whole, unbalanced, and with subjects who differ by no
# more than their own values (boundary: between-subject variance 0).
library(nlme); library(jsonlite)
d <- as.data.frame(nlme::Orthodont)
d <- data.frame(distance = d$distance, age = d$age, male = as.numeric(d$Sex == "Male"),
                subject = as.character(d$Subject))
drop <- c(2, 3, 4, 7, 8, 12, 30, 31, 32, 55, 77, 100)
u <- d[-drop, ]
# Each subject has values of all heights, so that subjects do not differ.
b <- d; b$distance <- 20 + (seq_len(nrow(d)) * 7) %% 4 + 0.01 * (seq_len(nrow(d)) * 13) %% 7
told <- function(f) list(coefficients = unname(fixef(f)), covariance = unname(as.matrix(vcov(f))),
  between = as.numeric(getVarCov(f)), within = f$sigma^2, minus_2_log_likelihood = -2 * as.numeric(logLik(f)))
tight <- lmeControl(msTol = 1e-13, tolerance = 1e-11, opt = "optim", reltol = 1e-15)
lmer <- function(f, data) {
  m <- lme4::lmer(f, data = data, control = lme4::lmerControl(check.conv.singular = "ignore", optCtrl = list(xtol_abs = 1e-14, ftol_abs = 1e-14)))
  v <- as.data.frame(lme4::VarCorr(m))$vcov
  list(coefficients = unname(lme4::fixef(m)), covariance = unname(as.matrix(vcov(m))), between = v[1], within = v[2])
}
line <- lm(mpg ~ wt + hp, mtcars)
cat(toJSON(list(
  data = d, dropped = drop, boundary_distance = b$distance,
  whole = told(lme(distance ~ age + male, random = ~1 | subject, data = d, control = tight)),
  unbalanced = told(lme(distance ~ age * male, random = ~1 | subject, data = u, control = tight)),
  unbalanced_ml = told(lme(distance ~ age + male, random = ~1 | subject, data = u, method = "ML", control = tight)),
  unbalanced_lmer = lmer(distance ~ age * male + (1 | subject), u),
  boundary_lmer = lmer(distance ~ age + male + (1 | subject), b),
  mtcars = list(mpg = mtcars$mpg, wt = mtcars$wt, hp = mtcars$hp, hat = unname(hatvalues(line)), minus_2_log_likelihood = -2 * as.numeric(logLik(line)))
), digits = NA, auto_unbox = TRUE, dataframe = "columns"))
