board-title = Board
board-navigation = Board
board-overview = Overview
board-people = People
board-campaigns = The whole pod
board-notices = Letters
board-log = What was done
board-numbers = How people stand
board-accounts = Accounts
board-with-archive = With an archive
board-downloaded = Fetched it
board-moved = Moved away
board-untouched = Nothing yet
board-share = { $percent } per cent
board-plot = How many accounts had an archive, had fetched it and had moved, from day to day. The table below has the numbers.
board-plot-title = From day to day
board-plot-table = The same as a table
board-day = Day
closing-title = The shutdown
closing-lead = Everybody sees the stage and the days. When the pod is off, nobody but you can have new archives made; when it is closed, nothing can be fetched any more. The pod itself is not changed from here.
closing-look = See what everybody sees
closing-stage = Stage
closing-read-only-on = Nothing new can be written from
closing-switch-off-on = The pod is switched off on
closing-downloads-until = Archives can be fetched until
closing-public = Show everybody how many have an archive
closing-keep = Keep
stage-announced = Announced
stage-read-only = Read-only
stage-exporting = Archives are made
stage-downloads-open = The pod is off, archives can be fetched
stage-closed = Closed
people-name = Username, e-mail address or diaspora* ID
people-find = Look
people-nobody = There is nobody of this name.
people-locked = This account is locked.
people-closed = This account is closed.
people-archives = Archives
people-no-archive = There is none.
people-until = kept until { $day }
people-fetched = Fetched { $times ->
    [one] once, on { $time }.
   *[other] { $times } times, last on { $time }.
 }
people-not-fetched = Not fetched.
people-requests = Asked for
people-make = Have an archive made, and write to this person
people-failed = Could not be made
people-failed-text = These people have asked, and there is no archive. Look at the reason, mend it, and have it made again.
people-none-failed = Nobody whose archive could not be made.
request-queued = in the queue
request-running = being made
request-done = made
request-failed = could not be made
request-cancelled = stopped
request-expired = made, and deleted after its time
campaigns-lead = A campaign makes everybody's archive, also of those who never ask. People find theirs when they sign in.
campaigns-workers = At work:
campaigns-failed = { $count ->
    [one] One account could not be exported
   *[other] { $count } accounts could not be exported
 }
campaigns-pause = Hold
campaigns-resume = Go on
campaigns-retry = Try again what failed
campaigns-cancel = Give it up
campaigns-older = { $count ->
    [one] One older campaign is not shown.
   *[other] { $count } older campaigns are not shown.
 }
campaigns-begin-title = Begin a campaign
campaigns-begin-text = The archives go to { $place }, encrypted. Make a copy of the key first, with: pappus keys backup
campaigns-only = Whose archives
only-not-closed = All that are not closed
campaigns-keep-sign-in = Keep what people sign in with, encrypted, so that they can fetch their archive when the pod is gone
campaigns-begin = Begin
campaign-sentence = { $done } of { $all } accounts are done, { $size }; { $failed } failed, { $skipped } left out.
campaign-sentence-empty = { $done } of { $all } accounts are done; { $failed } failed, { $skipped } left out.
campaign-preparing = the list is being written
campaign-running = under way
campaign-paused = held
campaign-cancelled = given up
campaign-finished = finished
audience-all = All
audience-year = Active within a year
audience-half-year = Active within half a year
audience-month = Active within a month
audience-not-fetched = All who have not fetched an archive
notices-lead = A letter goes to each person once, slowly, behind the mails people wait for.
notices-preview = As people will see it
notices-sure = Is it right? What is sent cannot be taken back.
notices-send = Send it
notices-write = Write a letter
notices-audience = To whom
notices-subject = Subject
notices-body = Text
notices-help = {"{name}"} becomes the person's name, {"{pod}"} the pod's, {"{link}"} the address of this service.
notices-show = Show me how it looks
notices-cannot = Letters need the pod's database and a mail server (mail.server in the configuration).
notices-sent = Written before
notices-none = None yet.
notices-queued = ({ $count } letters)
notices-stop = Stop
notices-go-on = Go on
notice-queueing = on its way
notice-stopped = stopped
notice-queued = handed over for sending
notice-template-subject = { $pod } closes: please fetch your archive
notice-template-body = Hello {"{name}"},

    {"{pod}"} will close. Everything of yours, your posts, photos, messages and contacts, is put into one file for you. Please fetch it:

    {"{link}"}

    Sign in there with the name and password you have always used. If you have forgotten the password, the page sends you a link. With the file you can move to another pod later, and your friends find you there.

    Your podmin
log-when = When
log-who = Who
log-what = What
log-subject = To what
log-from = From
log-older = Older
public-title = { $pod } closes
public-archive = To my archive
