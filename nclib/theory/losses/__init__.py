"""Beyond the plain squared error: the optimum for the losses that people train with.

From a loss and class counts to the optimum: `objects` has the losses, `problem` the model,
`groups` its convex form on groups of classes, `certificate` and `solver` solve that, `closed` has
closed forms, `optimum` is the door to all of it, `thresholds` the inverse questions, and `targets`
any targets with a bias.

Examples
--------
>>> import nclib as nc
>>> problem = nc.LossProblem([300, 30], nc.CrossEntropy(), lambda_W=1e-3, lambda_H=1e-3)
>>> best = nc.loss_minimizer(problem)
>>> best.certificate < 1e-9, round(best.objective, 6)
(True, 0.039464)
"""
