#include "agent.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <base/clock.h>
#include <base/files.h>
#include <base/log.h>

#include "check.h"
#include "harden.h"
#include "options.h"
#include "scratch.h"
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

static int
prepare_main (const struct agent_options *options,
              const struct agent_backend *backend)
{
  struct scratch scratch = {0};
  CLEANUP_ERR struct err *err = NULL;
  CLEANUP_FREE char *note = NULL, *probe = NULL;
  int r;

  if (scratch_open (&scratch, options->scratch, &err) == -1) {
    log_error ("--prepare: %s", err->msg);
    return AGENT_ERROR;
  }
  probe = path_join (scratch.folder, "probe");
  r = backend->prepare (backend->kvm_is_broken (probe), &note, &err);
  scratch_close (&scratch);
  if (r == -1) {
    log_error ("--prepare: %s", err->msg);
    return AGENT_ERROR;
  }
  puts (note);
  return AGENT_OK;
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
  /* The workers, which find or build it, inherit this. */
  if (options.appliance)
    setenv ("BOOTMEND_APPLIANCE", options.appliance, 1);
  if (options.worker)
    return worker_main (backend);
  if (options.check)
    return check_main (&options, backend);
  if (options.prepare)
    return prepare_main (&options, backend);
  return supervisor_main (&options, dup (STDIN_FILENO), stdout_set_aside (),
                          &real_clock);
}
