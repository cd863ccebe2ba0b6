#include "appliance.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <base/clock.h>
#include <base/log.h>
#include <base/text.h>

#include "appliance-cache.h"
#include "kvm.h"

/* Nested or emulated machines need a minute on a bad day. */
#define LAUNCH_LIMIT_MS (5 * 60000)

#define NOTE_KVM_BROKEN                                                        \
  "/dev/kvm is there but KVM does not work, so the appliance is emulated "     \
  "(TCG), which is slower"
#define NOTE_KVM_DENIED                                                        \
  "/dev/kvm may not be opened, so the appliance is emulated (TCG), which is "  \
  "slower: put the user into the group kvm"

struct watchdog {
  pthread_t thread;
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  bool stop;
  bool fired;
  int64_t end_ms; /* 0: no limit */
  pid_t qemu;
};

static void *
watch (void *opaque)
{
  struct watchdog *dog = opaque;

  pthread_mutex_lock (&dog->mutex);
  while (!dog->stop) {
    int64_t left_ms = dog->end_ms - clock_now_ms (&real_clock);
    struct timespec until;

    if (dog->end_ms == 0 || dog->fired) {
      pthread_cond_wait (&dog->changed, &dog->mutex);
      continue;
    }
    if (left_ms <= 0) {
      dog->fired = true;
      if (dog->qemu > 0)
        kill (dog->qemu, SIGKILL);
      continue;
    }
    until.tv_sec = dog->end_ms / 1000;
    until.tv_nsec = dog->end_ms % 1000 * 1000000;
    pthread_cond_timedwait (&dog->changed, &dog->mutex, &until);
  }
  pthread_mutex_unlock (&dog->mutex);
  return NULL;
}

static struct watchdog *
watchdog_new (void)
{
  struct watchdog *dog = xcalloc (1, sizeof *dog);
  pthread_condattr_t attr;

  pthread_mutex_init (&dog->mutex, NULL);
  pthread_condattr_init (&attr);
  /* real_clock counts on CLOCK_MONOTONIC too */
  pthread_condattr_setclock (&attr, CLOCK_MONOTONIC);
  pthread_cond_init (&dog->changed, &attr);
  pthread_condattr_destroy (&attr);
  if (pthread_create (&dog->thread, NULL, watch, dog) != 0)
    abort ();
  return dog;
}

static void
watchdog_set (struct watchdog *dog, pid_t qemu, int64_t limit_ms)
{
  pthread_mutex_lock (&dog->mutex);
  dog->qemu = qemu;
  dog->end_ms = limit_ms ? clock_now_ms (&real_clock) + limit_ms : 0;
  pthread_cond_signal (&dog->changed);
  pthread_mutex_unlock (&dog->mutex);
}

static void
watchdog_free (struct watchdog *dog)
{
  if (dog == NULL)
    return;
  pthread_mutex_lock (&dog->mutex);
  dog->stop = true;
  pthread_cond_signal (&dog->changed);
  pthread_mutex_unlock (&dog->mutex);
  pthread_join (dog->thread, NULL);
  pthread_cond_destroy (&dog->changed);
  pthread_mutex_destroy (&dog->mutex);
  free (dog);
}

/* QEMU's own words say why it ended; libguestfs only says that it did. */
static void
hear (guestfs_h *g, void *opaque, uint64_t event, int handle, int flags,
      const char *buf, size_t len, const uint64_t *array, size_t array_len)
{
  struct appliance *appliance = opaque;
  CLEANUP_FREE char *text = xstrndup (buf, len);

  (void)g;
  (void)event;
  (void)handle;
  (void)flags;
  (void)array;
  (void)array_len;
  text[strcspn (text, "\r\n")] = '\0';
  if (text[0] == '\0')
    return;
  log_debug ("appliance: %s", text);
  if (strstr (text, "qemu") || strstr (text, "panic")) {
    free (appliance->last_message);
    appliance->last_message = text_printable (text);
  }
}

static int
new_handle (struct appliance *appliance, const struct batch_options *options,
            const struct appliance_image *image, struct err **err)
{
  /* The environment says where sockets and caches go, not how we work: that
   * is set below. */
  guestfs_h *g = guestfs_create ();

  if (g == NULL)
    return err_set_errno (err, errno, "appliance: guestfs_create");
  appliance->g = g;
  guestfs_set_error_handler (g, NULL, NULL);
  guestfs_set_event_callback (g, hear,
                              GUESTFS_EVENT_APPLIANCE | GUESTFS_EVENT_LIBRARY,
                              0, appliance);
  guestfs_set_backend (g, "direct");
  if (appliance->tcg)
    guestfs_set_backend_setting (g, "force_tcg", "1");
  guestfs_set_network (g, 0);
  guestfs_set_autosync (g, 1);
  guestfs_set_smp (g, 1);
  if (options->memsize_mb > 0)
    guestfs_set_memsize (g, options->memsize_mb);
  return appliance_apply (image, appliance->lean, g, err);
}

char *
appliance_label (size_t i)
{
  /* letters only, guestfs_add_drive_opts says */
  return xasprintf ("bootmend%c%c", (char)('a' + i / 26), (char)('a' + i % 26));
}

static int
add_overlays (guestfs_h *g, char *const *overlays, size_t n, struct err **err)
{
  for (size_t i = 0; i < n; i++) {
    CLEANUP_FREE char *label = appliance_label (i);

    /* "unsafe": what the appliance writes is worthless before it has ended
     * well, and is synced by us afterwards. */
    if (guestfs_add_drive_opts (g, overlays[i], GUESTFS_ADD_DRIVE_OPTS_FORMAT,
                                "qcow2", GUESTFS_ADD_DRIVE_OPTS_CACHEMODE,
                                "unsafe", GUESTFS_ADD_DRIVE_OPTS_LABEL, label,
                                -1) == -1)
      return err_set (err, ERR_TRANSIENT, "appliance: %s",
                      guestfs_last_error (g));
  }
  return 0;
}

static int
launch_once (struct appliance *appliance, const struct batch_options *options,
             const struct appliance_image *image, char *const *overlays,
             size_t n_overlays, struct err **err)
{
  if (new_handle (appliance, options, image, err) == -1 ||
      add_overlays (appliance->g, overlays, n_overlays, err) == -1)
    return -1;
  if (guestfs_launch (appliance->g) == -1) {
    const char *said = appliance->last_message;

    return err_set (err, ERR_TRANSIENT, "appliance did not start: %s%s%s",
                    guestfs_last_error (appliance->g), said ? ": " : "",
                    said ? said : "");
  }
  appliance->devices = guestfs_list_devices (appliance->g);
  if (appliance->devices == NULL ||
      strv_length (appliance->devices) != n_overlays)
    return err_set (err, ERR_TRANSIENT,
                    "appliance: %zu disks given, %zu seen in it", n_overlays,
                    appliance->devices ? strv_length (appliance->devices) : 0);
  return 0;
}

static void let_go (struct appliance *appliance);

static void
note (struct appliance *appliance, const char *text)
{
  json_array_append_new (appliance->notes, json_string (text));
}

/* What may go wrong with the quick ways is tried the slow way: KVM that dies
 * at its first instruction, a lean appliance that does not fit these disks. */
static int
launch_somehow (struct appliance *appliance,
                const struct batch_options *options,
                const struct appliance_image *image, char *const *overlays,
                size_t n_overlays, struct err **err)
{
  for (;;) {
    CLEANUP_ERR struct err *why = NULL;
    CLEANUP_FREE char *text = NULL;

    if (launch_once (appliance, options, image, overlays, n_overlays, &why) ==
        0)
      return 0;
    let_go (appliance);
    if (!appliance->tcg && access ("/dev/kvm", R_OK | W_OK) == 0) {
      log_debug ("KVM given up: %s", why->msg);
      appliance->tcg = true;
      note (appliance, NOTE_KVM_BROKEN);
      kvm_remember_broken (options->scratch);
    } else if (appliance->lean) {
      log_debug ("lean appliance given up: %s", why->msg);
      text = xasprintf ("the lean appliance did not start, so the stock one "
                        "is used: %s",
                        why->msg);
      note (appliance, text);
      appliance_cache_distrust (image, why->msg);
      appliance->lean = false;
    } else
      return err_move (err, TAKE (why));
  }
}

int
appliance_launch (struct appliance *appliance,
                  const struct batch_options *options, char *const *overlays,
                  size_t n_overlays, struct err **err)
{
  CLEANUP_FREE char *folder = appliance_cache_folder ();
  CLEANUP_APPLIANCE_IMAGE struct appliance_image image = {0};
  struct appliance_cache_options how = {.mode = appliance_mode_default (),
                                        .force_tcg = options->force_tcg};
  int64_t start;

  memset (appliance, 0, sizeof *appliance);
  if (appliance_cache_find (folder, &how, &image, err) == -1)
    return -1;
  appliance->notes = json_array ();
  if (options->force_tcg && access ("/dev/kvm", F_OK) == 0)
    note (appliance, access ("/dev/kvm", R_OK | W_OK) == 0 ? NOTE_KVM_BROKEN
                                                           : NOTE_KVM_DENIED);
  if (image.note)
    note (appliance, image.note);
  start = clock_now_ms (&real_clock);
  appliance->tcg = options->force_tcg;
  appliance->lean = image.lean != NULL;
  if (launch_somehow (appliance, options, &image, overlays, n_overlays, err) ==
      -1) {
    json_decref (TAKE (appliance->notes));
    return -1;
  }
  appliance->launch_ms = clock_now_ms (&real_clock) - start;
  appliance->watchdog = watchdog_new ();
  return 0;
}

static void
let_go (struct appliance *appliance)
{
  watchdog_free (TAKE (appliance->watchdog));
  if (appliance->g)
    guestfs_close (TAKE (appliance->g));
  strv_free (TAKE (appliance->devices));
  free (TAKE (appliance->last_message));
}

int
appliance_close (struct appliance *appliance, struct err **err)
{
  int r = 0;

  appliance_limit (appliance, LAUNCH_LIMIT_MS);
  if (guestfs_shutdown (appliance->g) == -1)
    r = err_set (err, ERR_TRANSIENT, "appliance did not end well: %s",
                 guestfs_last_error (appliance->g));
  appliance_limit (appliance, 0);
  appliance_kill (appliance);
  return r;
}

void
appliance_kill (struct appliance *appliance)
{
  let_go (appliance);
  json_decref (TAKE (appliance->notes));
}

bool
appliance_is_alive (const struct appliance *appliance)
{
  return appliance->g && guestfs_is_ready (appliance->g) == 1 &&
         !appliance_timed_out (appliance);
}

void
appliance_limit (struct appliance *appliance, int64_t limit_ms)
{
  watchdog_set (appliance->watchdog,
                limit_ms ? guestfs_get_pid (appliance->g) : 0, limit_ms);
}

bool
appliance_timed_out (const struct appliance *appliance)
{
  bool fired;

  if (appliance->watchdog == NULL)
    return false;
  pthread_mutex_lock (&appliance->watchdog->mutex);
  fired = appliance->watchdog->fired;
  pthread_mutex_unlock (&appliance->watchdog->mutex);
  return fired;
}
