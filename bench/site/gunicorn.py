worker_class = "sync"  # gunicorn takes its threaded worker by itself where threads are asked for
graceful_timeout = 1
# Its place is the same for all that this user runs.
control_socket_disable = True
