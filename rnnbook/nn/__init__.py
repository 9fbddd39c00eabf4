"""Networks: layers with their backward steps, losses, optimizers, gradients."""
