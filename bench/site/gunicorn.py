worker_class = "sync"  # with more than one thread, gunicorn uses its threaded worker instead
graceful_timeout = 1
# All gunicorn processes of a user would use the same path for it.
control_socket_disable = True
