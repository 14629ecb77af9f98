"""Beyond the plain squared error: the optimum for the losses that people train with.

From a loss and class counts to the optimum: `objects` has the losses, `problem` the model,
`groups` its convex form on groups of classes, `certificate` and `solver` solve that, `closed` has
closed forms, `optimum` is the door to all of it, `thresholds` the inverse questions, and `targets`
any targets with a bias.
"""
