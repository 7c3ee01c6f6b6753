"""JupyterHub for one class on one machine; docs/guides/instructors.md says how to use it.

It starts each student's JupyterLab under the student's own account of this machine.
"""

c = get_config()  # noqa: F821  (JupyterHub defines it)

HUB = "/srv/hub"  # the environment of the hub and of all students
EXCHANGE = "/srv/nbgrader/exchange"  # where nbgrader hands assignments out and takes them in

c.JupyterHub.bind_url = "http://127.0.0.1:8000"  # a web server in front of it adds HTTPS
c.JupyterHub.db_url = f"sqlite:///{HUB}/jupyterhub.sqlite"
c.JupyterHub.cookie_secret_file = f"{HUB}/cookie_secret"
c.ConfigurableHTTPProxy.command = f"{HUB}/node_modules/.bin/configurable-http-proxy"
c.ConfigurableHTTPProxy.pid_file = f"{HUB}/proxy.pid"

# Anyone with an account and a password on this machine may log in.
c.JupyterHub.authenticator_class = "pam"
c.Authenticator.allow_all = True

c.Spawner.cmd = [f"{HUB}/venv/bin/jupyterhub-singleuser"]
c.Spawner.default_url = "/lab"
c.Spawner.environment = {
    "COURSE_PROFILE": "quick",  # the profile of the class
    "COURSE_DATA": f"{HUB}/data",  # the official files, once for everybody
    "NBGRADER_EXCHANGE": EXCHANGE,
}
# JupyterHub does not bound what a local process uses; these count threads of NumPy and TensorFlow.
c.Spawner.environment |= {"OMP_NUM_THREADS": "2", "TF_NUM_INTRAOP_THREADS": "2"}
