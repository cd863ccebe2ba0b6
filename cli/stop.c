#include "stop.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <base/log.h>

/* The stop flag: with the log level the only state that is not passed along. */
static volatile sig_atomic_t signals_seen, last_signal;
static int said, wake_fd = -1;
static const char *text_safe_point, *text_force;

static void
on_signal (int number)
{
  int saved = errno;

  if (signals_seen >= 2) {
    signal (number, SIG_DFL);
    raise (number);
  }
  signals_seen++;
  last_signal = number;
  eventfd_write (wake_fd, 1);
  errno = saved;
}

void
stop_install (const char *safe_point, const char *force)
{
  static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
  struct sigaction action = {.sa_handler = on_signal}, before;

  text_safe_point = safe_point;
  text_force = force;
  if (wake_fd == -1)
    wake_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  for (size_t i = 0; i < ARRAY_SIZE (numbers); i++) {
    /* nohup and a shell's background jobs mean it when they ignore one */
    sigaction (numbers[i], NULL, &before);
    if (before.sa_handler != SIG_IGN)
      sigaction (numbers[i], &action, NULL);
  }
}

int
stop_fd (void)
{
  return wake_fd;
}

void
stop_wait (int ms)
{
  struct pollfd fd = {wake_fd, POLLIN, 0};

  poll (&fd, 1, ms);
}

bool
stop_check (void)
{
  int seen = signals_seen;
  eventfd_t count;

  if (wake_fd >= 0 && seen != said)
    eventfd_read (wake_fd, &count); /* or poll () would never wait again */
  if (said < 1 && seen >= 1)
    log_error ("%s: %s", strsignal (last_signal), text_safe_point);
  if (said < 2 && seen >= 2)
    log_error ("%s: %s", strsignal (last_signal), text_force);
  said = seen;
  return seen > 0;
}

int
stop_signal (void)
{
  return last_signal;
}
