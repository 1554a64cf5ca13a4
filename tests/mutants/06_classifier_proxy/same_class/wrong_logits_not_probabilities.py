def same_class(o_x, o_y, tau=1.0):
    return (o_x / tau) @ (o_y / tau).T
