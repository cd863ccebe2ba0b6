/* What happens inside a machine: boot, what it says on its serial port. */

#include "gce.h"

#include <string.h>

static bool
is_windows (const json_t *body)
{
  json_t *entry, *feature;
  size_t i, j;

  json_array_foreach (json_object_get (body, "disks"), i, entry)
  {
    json_array_foreach (json_object_get (entry, "guestOsFeatures"), j, feature)
    {
      if (strcmp (json_str (feature, "type", ""), "WINDOWS") == 0)
        return true;
    }
  }
  return false;
}

static const char *
usual_words (const json_t *body, bool boots)
{
  if (boots)
    return is_windows (body)
               ? "GCEWindowsAgent: GCE Agent Started (version 20240716.00)\r\n"
                 "Instance setup finished. Machine is ready to use.\r\n"
               : "Started google-guest-agent.service - Google Compute Engine "
                 "Guest Agent.\nReached target Multi-User System.\nlogin: ";
  return is_windows (body)
             ? "*** STOP: 0x00000050 (PAGE_FAULT_IN_NONPAGED_AREA)\r\n"
             : "Kernel panic - not syncing: VFS: Unable to mount root fs\r\n";
}

static void
agent_up (struct fake_cloud *cloud, struct fake_object *instance, json_t *arg)
{
  (void)arg;
  json_put_bool (instance->body, "_agent", true);
  fake_object_changed (cloud, instance);
}

void
gce_guest_boot (struct fake_cloud *cloud, struct fake_object *instance)
{
  const struct fake_object *disk = gce_boot_disk (cloud, instance);
  CLEANUP_FREE char *console = NULL;
  bool boots = disk && fake_disk_boots (cloud, disk->body, &console);

  gce_guest_off (cloud, instance);
  json_put_bool (instance->body, "_boots", boots);
  json_put_int (instance->body, "_bootedMs", cloud->now_ms);
  json_put_str (instance->body, "_serial",
                console && *console ? console
                                    : usual_words (instance->body, boots));
  fake_object_changed (cloud, instance);
  if (boots)
    fake_after (cloud, instance, gce_time_ms (cloud, "guest"), "guest",
                agent_up, NULL);
}

void
gce_guest_off (struct fake_cloud *cloud, struct fake_object *instance)
{
  fake_timers_cancel (cloud, instance, "guest");
  json_put (instance->body, "_agent", NULL);
}

/* The firmware speaks at once; the system after its "guest" time; a crash loop
 * says its last words at every round. */
void
gce_serial (const struct fake_cloud *cloud, const json_t *body,
            struct strbuf *text)
{
  const char *words = json_str (body, "_serial", "");
  int64_t since = cloud->now_ms - json_int (body, "_bootedMs", 0);
  int64_t period = gce_time_ms (cloud, "crash_period");
  int64_t rounds = 1;

  strbuf_addstr (text, "SeaBIOS (version 1.8.2-google)\r\nBooting from Hard "
                       "Disk 0...\r\n");
  if (!json_bool (body, "_boots", true))
    rounds = period > 0 ? since / period + 1 : 1;
  else if (!json_bool (body, "_agent", false))
    rounds = 0;
  for (int64_t i = 0; i < rounds && i < 40000 && text->len < 4 << 20; i++)
    strbuf_addstr (text, words);
}
