board-title = Board
board-navigation = Board
board-overview = Overview
board-people = People
board-campaigns = Export everyone
board-notices = Announcements
board-log = Activity log
board-numbers = Progress
board-accounts = Accounts
board-with-archive = With an archive
board-downloaded = Downloaded
board-moved = Moved away
board-untouched = Nothing yet
board-share = { $percent } per cent
board-plot = How many accounts had an archive, had downloaded it and had moved, from day to day. The table below has the numbers.
board-plot-table = The same as a table
board-day = Day
closing-title = The shutdown
closing-lead = Everybody sees the stage and the dates. When the pod is off, only you can create new archives; when it is closed, nothing can be downloaded any more. This page does not change the pod itself.
closing-look = See what everybody sees
closing-stage = Stage
closing-read-only-on = Nothing new can be written from
closing-switch-off-on = The pod is switched off on
closing-downloads-until = Archives can be downloaded until
closing-public = Show everybody how many have an archive
closing-keep = Save
stage-announced = Announced
stage-read-only = Read-only
stage-exporting = Archives are created
stage-downloads-open = The pod is off, archives can be downloaded
stage-closed = Closed
people-name = Username or e-mail address, or how it begins
people-find = Search
people-nobody = There is no account of this name.
people-locked = This account is locked.
people-closed = This account is closed.
people-archives = Archives
people-no-archive = There is none.
people-until = kept until { $day }
people-fetched = Downloaded { $times ->
    [one] once, on { $time }.
   *[other] { $times } times, last on { $time }.
 }
people-not-fetched = Not downloaded.
people-requests = Requests
people-make = Create an archive and e-mail this person
people-failed = Failed
people-failed-text = These people asked for an archive that could not be created. Fix the cause, then retry.
people-none-failed = No archive has failed.
request-queued = in the queue
request-running = in progress
request-done = created
request-failed = failed
request-cancelled = cancelled
request-expired = created, and expired
campaigns-lead = A campaign creates an archive for everybody, also for those who never ask for one. People find theirs when they sign in.
campaigns-reload = Reload to see how far it is
campaigns-workers = At work:
campaigns-failed = { $count ->
    [one] One account could not be exported
   *[other] { $count } accounts could not be exported
 }
campaigns-pause = Pause
campaigns-resume = Resume
campaigns-retry = Retry failed accounts
campaigns-cancel = Cancel campaign
campaigns-older = { $count ->
    [one] One older campaign is not shown.
   *[other] { $count } older campaigns are not shown.
 }
campaigns-begin-title = Begin a campaign
campaigns-begin-text = The archives go to { $place }, encrypted. Make a copy of the key first, with: pappus keys backup
campaigns-only = Whose archives
only-not-closed = All that are not closed
campaigns-keep-sign-in = Keep a copy of the sign-in data, encrypted, so that people can download their archive when the pod is gone
campaigns-begin = Begin
campaign-of = Export of { $time }: { $state }
campaign-sentence = { $done } of { $all } accounts are done, { $size }; { $failed } failed, { $skipped } left out.
campaign-sentence-empty = { $done } of { $all } accounts are done; { $failed } failed, { $skipped } left out.
campaign-preparing = the list is being written
campaign-running = running
campaign-paused = paused
campaign-cancelled = cancelled
campaign-finished = finished
audience-all = All
audience-year = Active within a year
audience-half-year = Active within half a year
audience-month = Active within a month
audience-not-fetched = All who have not downloaded an archive
notices-lead = An announcement goes to each person once, slowly, after mails that people are waiting for.
notices-preview = As people will see it
notices-unknown = Nothing replaces { $names }: this is sent as it stands. Is it a typing error?
notices-sure = Mails that are sent cannot be taken back.
notices-send = { $count ->
    [one] Send it to 1 person
   *[other] Send it to { $shown } people
 }
notices-write = Write an announcement
notices-audience = To whom
notices-subject = Subject
notices-body = Text
notices-help = {"{name}"} becomes the person's name, {"{pod}"} the pod's, {"{link}"} the address of this service, {"{days}"} the dates of the shutdown, {"{podmin}"} your address.
notices-show = Preview
notices-cannot = Announcements need the pod's database and a mail server (mail.server in the configuration).
notices-sent = Earlier announcements
notices-none = None yet.
notices-queued = (mails: { $count })
notices-stop = Stop
notices-go-on = Resume
notice-queueing = on its way
notice-stopped = stopped
notice-queued = handed over for sending
notice-template-subject = { $pod } closes: please download your archive
notice-template-body = Hello {"{name}"},

    {"{pod}"} will close. Everything of yours, your posts, photos, messages and contacts, is put into one file for you. Please download it:

    {"{link}"}

    Sign in there with the name and password you have always used. If you have forgotten the password, the page sends you a link. With the file you can move to another pod later, and your friends find you there.

    {"{days}"}

    Questions? Write to {"{podmin}"}.

    Your podmin
log-when = When
log-who = Who
log-what = What
log-subject = To what
log-from = From
log-older = Older
public-title = { $pod } closes
public-archive = To my archive
board-words = Note and pods
words-lead = People read this where they are told to go on: beside their archive, before they sign in, and where this pod cannot take them in.
words-note = Your note
words-note-long = The note is too long: take at most 4,000 characters.
words-pods = Pods you recommend
words-pods-help = One in each line: its address, then what you want to say about it. For example: pod.example friendly, in German
words-pods-many = These are too many: take at most 30 pods.
words-pod-wrong = “{ $line }” does not begin with the address of a pod. Write it as pod.example.
done-saved = Saved.
done-campaign-begun = The campaign has begun.
done-campaign-paused = The campaign is paused.
done-campaign-resumed = The campaign is resumed.
done-campaign-retried = The failed accounts are retried.
done-campaign-cancelled = The campaign is cancelled.
done-notice-sent = The announcement is on its way.
done-notice-stopped = The announcement is stopped. Mails that were handed over are still sent.
done-notice-resumed = The announcement is on its way again.
done-archive-asked = The archive is being created. The person gets an e-mail.
done-newcomer-approved = Approved. The account is being moved.
done-newcomer-declined = Declined. The uploads are deleted.
done-newcomer-announced = The pods are being told of the move.
done-newcomer-retried = The import is tried again.
done-newcomer-stopped = Stopped. The page shows when it is over.
done-invitation-withdrawn = The invitation is withdrawn.
done-pod-trusted = The key is trusted from now on.
done-pod-not-trusted = The key is removed.
closing-stage-wrong = There is no such stage.
closing-day-wrong = “{ $day }” is not a date; write it as 2027-01-31.
closing-day-far = { $day } is more than 20 years away.
closing-day-past = { $day } is in the past. Today is { $today } (UTC).
closing-off-before-read-only = The pod cannot be switched off before it is read-only.
closing-downloads-before = Downloads cannot end before the pod is read-only.
closing-downloads-before-off = Downloads cannot end before the pod is switched off.
closing-sure = Close the pod for good?
closing-sure-numbers = Nothing can be downloaded any more. Accounts that have not downloaded an archive: { $without } of { $accounts }. Archives that are kept here for them: { $archives }.
closing-sure-early = You have promised downloads until { $day }.
closing-yes = Close it
campaigns-cancel-sure = Cancel this campaign?
campaigns-cancel-numbers = Archives that are finished and stay: { $done }. Accounts without an archive of this campaign: { $open }. A cancelled campaign cannot be resumed.
campaigns-again-all-sure = Export all { $accounts } accounts again?
campaigns-again-some-sure = Export these accounts again?
campaigns-again-stored = { $done ->
    [one] The campaign { $name } of { $begun } is finished: one archive of { $all } accounts is stored ({ $size }).
   *[other] The campaign { $name } of { $begun } is finished: { $shown } archives of { $all } accounts are stored ({ $size }).
 }
campaigns-again-failed = { $count ->
    [one] One account failed. To try only that one again, go back and choose “Retry failed accounts”.
   *[other] { $shown } accounts failed. To try only those again, go back and choose “Retry failed accounts”.
 }
campaigns-again-all = A new campaign exports every account again, and needs about as much room again. What is stored stays; people then find both archives.
campaigns-again-some = A new campaign exports the accounts that you chose again, and needs room for them again. What is stored stays; people then find both archives.
campaigns-again = Export again
notices-recipients = { $count ->
    [0] There are no recipients.
    [one] 1 person gets it.
   *[other] { $shown } people get it.
 }
notices-in-language = { $language }: { $count ->
    [0] no recipients
    [one] 1 person
   *[other] { $shown } people
 }
notices-to-locked = { $count ->
    [one] 1 person whose account is locked
   *[other] { $shown } people whose accounts are locked
 }
notices-test = Send a test to me
notices-tested = A test is on its way to { $address }.
language-en = English
language-de = German
notices-other-language = Second language: { $language }
notices-other-language-help = For people who use the pod in { $language }. If you leave this empty, they get the text above.
notices-locked-help = People whose account is locked cannot sign in: they are told to write to you instead.
notices-wrong-audience = There is no such group.
notices-wrong-subject = A subject is one line of 1 to 200 characters.
notices-wrong-body = An announcement needs a text of at most 20,000 characters.
notice-locked-body = Hello {"{name}"},

    {"{pod}"} will close. Your account is locked, so you cannot sign in to download your archive. If you would like to have it, write to {"{podmin}"}.

    {"{days}"}
notice-podmin-unknown = the podmin
people-name-help = A whole name, address or diaspora* ID shows the account.
people-state = State
people-any-state = Any
people-state-all = All accounts
people-state-untouched = Without an archive, not moved
people-state-not-downloaded = With an archive that was not downloaded
people-state-downloaded = Downloaded
people-state-moved = Moved away
people-state-failed = Archive could not be created
people-state-locked = Locked
people-state-closed = Closed
people-is-untouched = no archive
people-is-not-downloaded = archive not downloaded
people-is-downloaded = downloaded
people-is-moved = moved away
people-is-failed = archive could not be created
people-is-locked = locked
people-is-closed = closed
people-list = Accounts
people-username = Username
people-email = E-mail
people-more = More
people-csv = Download the whole list as CSV
log-filter-act = What
log-filter-who = Account (who did it, or to whom it was done)
log-filter = Filter
log-everything = Everything
log-nothing = Nothing of that was logged.
log-details = Details
log-group-sign-in = Signing in
log-group-closing = Shutdown
log-group-campaign = Campaigns
log-group-archive = Archives
log-group-notice = Announcements
log-group-newcomer = Newcomers
log-group-invitation = Invitations
log-group-trusted-pod = Trusted pods
log-group-token = Tokens
log-group-podmin-words = Note and pods
log-act-sign-in = Signed in.
log-act-sign-in-with-code = Signed in with password and code.
log-act-sign-in-by-link = Signed in by a link.
log-act-sign-in-failed = Wrong password for { $subject }.
log-act-sign-in-too-often = Too many wrong passwords for { $subject }.
log-act-sign-in-refused = { $subject } is locked or closed and was not let in.
log-act-code-failed = Wrong code for { $subject }.
log-act-link-sent = A sign-in link was sent to { $subject }.
log-act-closing = Set the shutdown to “{ $subject }”.
log-act-campaign-begin = Began the campaign { $subject }.
log-act-campaign-pause = Paused the campaign { $subject }.
log-act-campaign-resume = Resumed the campaign { $subject }.
log-act-campaign-retry = Retried what had failed in the campaign { $subject }.
log-act-campaign-cancel = Cancelled the campaign { $subject }.
log-act-archive-for = Had an archive created for { $subject }.
log-act-archive-deleted = Deleted their own archive { $subject }.
log-act-notice = Sent the announcement “{ $subject }”.
log-act-notice-test = Sent a test of the announcement “{ $subject }” to themselves.
log-act-notice-stop = Stopped the announcement { $subject }.
log-act-notice-go-on = Resumed the announcement { $subject }.
log-act-newcomer-yes = Approved the move of { $subject }.
log-act-newcomer-no = Declined the move of { $subject }.
log-act-newcomer-again = Retried the import of { $subject }.
log-act-newcomer-stop = Stopped the work on the archive of { $subject }.
log-act-newcomer-cancelled = { $subject } cancelled the check or the import.
log-act-newcomer-imported = { $subject } was imported.
log-act-newcomer-announced = The move of { $subject } was announced.
log-act-newcomer-undone = The move of { $subject } was undone.
log-act-invitation = Created an invitation ({ $subject }).
log-act-invitation-withdrawn = Withdrew the invitation { $subject }.
log-act-trusted-pod = Began to trust the pod key { $subject }.
log-act-trusted-pod-removed = Ceased to trust the pod key { $subject }.
log-act-token-made = Created the token “{ $subject }”.
log-act-token-revoked = Revoked the token “{ $subject }”.
log-act-podmin-words = Changed the note and the recommended pods.
