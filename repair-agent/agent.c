#include "agent.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <base/clock.h>
#include <base/log.h>

#include "check.h"
#include "harden.h"
#include "options.h"
#include "supervisor.h"
#include "worker.h"

/* A missing stdin, stdout or stderr would have its number given to some file
 * of ours. */
static void
ensure_std_fds (void)
{
  int fd;

  do
    fd = open ("/dev/null", O_RDWR);
  while (fd >= 0 && fd <= STDERR_FILENO);
  if (fd > STDERR_FILENO)
    close (fd);
}

int
agent_main (int argc, char **argv, const struct agent_backend *backend)
{
  CLEANUP (agent_options_release) struct agent_options options = {0};
  CLEANUP_ERR struct err *err = NULL;

  ensure_std_fds ();
  log_set_program ("bootmend-agent");
  harden_process ();
  if (agent_options_parse (argc, argv, &options, &err) == -1) {
    log_error ("%s", err->msg);
    return AGENT_USAGE;
  }
  if (options.help) {
    agent_options_help ();
    return AGENT_OK;
  }
  if (options.version) {
    puts ("bootmend-agent " BOOTMEND_VERSION);
    return AGENT_OK;
  }
  if (options.worker)
    return worker_main (backend);
  if (options.check)
    return check_main (&options, backend);
  return supervisor_main (&options, dup (STDIN_FILENO), stdout_set_aside (),
                          &real_clock);
}
