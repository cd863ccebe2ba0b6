/* What happens inside a machine: boot, the VM agent's word, the console. */

#include "arm.h"

#include <string.h>

static void
set_agent (struct fake_cloud *cloud, struct fake_object *vm, bool ready,
           bool live)
{
  CLEANUP_FREE char *now = fake_time_text (fake_now_ms (cloud));

  json_put (vm->body, "_agent",
            json_make ("{s:b,s:b,s:s}", "ready", ready, "live", live, "time",
                       now));
  fake_object_changed (cloud, vm);
}

static void
agent_speaks (struct fake_cloud *cloud, struct fake_object *vm, json_t *arg)
{
  (void)arg;
  set_agent (cloud, vm, true, true);
}

/* What it said before the stop is shown until Azure notices. */
static void
agent_is_missed (struct fake_cloud *cloud, struct fake_object *vm, json_t *arg)
{
  (void)arg;
  set_agent (cloud, vm, false, false);
}

static const char *
usual_console (const struct fake_object *vm, bool boots)
{
  bool windows =
      strcmp (json_str (arm_os_disk (vm), "osType", ""), "Windows") == 0;

  if (boots)
    return windows ? "Windows is Ready to use\r\n"
                   : "Reached target Multi-User System.\r\nlogin: ";
  return windows
             ? "*** STOP: 0x00000050 (PAGE_FAULT_IN_NONPAGED_AREA)\r\n"
             : "Kernel panic - not syncing: VFS: Unable to mount root fs\r\n";
}

/* The console's blob grows from boot to boot. */
static void
print (struct fake_object *vm, const char *text)
{
  CLEANUP_FREE char *whole =
      xasprintf ("%s%s", json_str (vm->body, "_console", ""), text);

  json_put_str (vm->body, "_console", whole);
}

void
arm_guest_boot (struct fake_cloud *cloud, struct fake_object *vm)
{
  const struct fake_object *disk = arm_entry_disk (cloud, arm_os_disk (vm));
  CLEANUP_FREE char *console = NULL;
  bool boots = disk && fake_disk_boots (cloud, disk->body, &console);

  arm_guest_off (cloud, vm);
  json_put_bool (vm->body, "_boots", boots);
  json_put_int (vm->body, "_bootedMs", cloud->now_ms);
  print (vm, console && *console ? console : usual_console (vm, boots));
  fake_object_changed (cloud, vm);
  if (boots)
    fake_after (cloud, vm, arm_time_ms (cloud, "agent_ready"), "agent",
                agent_speaks, NULL);
  if (!boots ||
      arm_time_ms (cloud, "agent_stale") < arm_time_ms (cloud, "agent_ready"))
    fake_after (cloud, vm, arm_time_ms (cloud, "agent_stale"), "agent",
                agent_is_missed, NULL);
}

/* The agent's last word stays. */
void
arm_guest_off (struct fake_cloud *cloud, struct fake_object *vm)
{
  const json_t *agent = json_object_get (vm->body, "_agent");

  fake_timers_cancel (cloud, vm, "agent");
  if (json_bool (agent, "live", false))
    set_agent (cloud, vm, json_bool (agent, "ready", false), false);
}
