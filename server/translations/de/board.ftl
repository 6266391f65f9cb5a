board-title = Verwaltung
board-navigation = Podmin
board-overview = Überblick
board-people = Leute
board-campaigns = Alle exportieren
board-notices = Rundbriefe
board-log = Protokoll
board-numbers = Fortschritt
board-accounts = Konten
board-with-archive = Mit Archiv
board-downloaded = Heruntergeladen
board-moved = Umgezogen
board-untouched = Noch nichts
board-share = { $percent } Prozent
board-plot = Wie viele Konten ein Archiv hatten, es heruntergeladen hatten und umgezogen waren, von Tag zu Tag. Die Zahlen stehen in der Tabelle darunter.
board-plot-table = Dasselbe als Tabelle
board-day = Tag
closing-title = Die Schließung
closing-lead = Alle sehen den Abschnitt und die Termine. Ist der Pod abgeschaltet, kannst nur noch du neue Archive erstellen lassen; ist er geschlossen, lässt sich nichts mehr herunterladen. Am Pod selbst ändert diese Seite nichts.
closing-look = Ansehen, was alle sehen
closing-stage = Abschnitt
closing-read-only-on = Keine neuen Beiträge mehr ab
closing-switch-off-on = Der Pod wird abgeschaltet am
closing-downloads-until = Archive können heruntergeladen werden bis
closing-public = Allen zeigen, wie viele ein Archiv haben
closing-keep = Speichern
stage-announced = Angekündigt
stage-read-only = Nur noch lesen
stage-exporting = Archive werden erstellt
stage-downloads-open = Der Pod ist abgeschaltet, Archive können heruntergeladen werden
stage-closed = Geschlossen
people-name = Benutzername oder E-Mail-Adresse, oder wie sie beginnt
people-find = Suchen
people-nobody = Es gibt kein Konto mit diesem Namen.
people-locked = Dieses Konto ist gesperrt.
people-closed = Dieses Konto ist geschlossen.
people-archives = Archive
people-no-archive = Es gibt keines.
people-until = aufbewahrt bis { $day }
people-fetched = { $times ->
    [one] Einmal heruntergeladen, am { $time }.
   *[other] { $times }-mal heruntergeladen, zuletzt am { $time }.
 }
people-not-fetched = Nicht heruntergeladen.
people-requests = Angefordert
people-make = Ein Archiv erstellen lassen und der Person schreiben
people-failed = Konnte nicht erstellt werden
people-failed-text = Diese Leute haben ein Archiv angefordert, das nicht erstellt werden konnte. Behebe die Ursache, dann versuch es noch einmal.
people-none-failed = Kein Archiv ist fehlgeschlagen.
request-queued = in der Warteschlange
request-running = in Arbeit
request-done = erstellt
request-failed = konnte nicht erstellt werden
request-cancelled = abgebrochen
request-expired = erstellt und nach seiner Zeit gelöscht
campaigns-lead = Eine Kampagne erstellt das Archiv von allen, auch von denen, die nie darum bitten. Die Leute finden ihres, wenn sie sich anmelden.
campaigns-reload = Neu laden, um zu sehen, wie weit es ist
campaigns-workers = Bei der Arbeit:
campaigns-failed = { $count ->
    [one] Ein Konto konnte nicht exportiert werden
   *[other] { $count } Konten konnten nicht exportiert werden
 }
campaigns-pause = Anhalten
campaigns-resume = Fortsetzen
campaigns-retry = Fehlgeschlagene Konten noch einmal versuchen
campaigns-cancel = Kampagne abbrechen
campaigns-older = { $count ->
    [one] Eine ältere Kampagne wird nicht gezeigt.
   *[other] { $count } ältere Kampagnen werden nicht gezeigt.
 }
campaigns-begin-title = Eine Kampagne beginnen
campaigns-begin-text = Die Archive kommen verschlüsselt nach { $place }. Mach vorher eine Kopie des Schlüssels, mit: pappus keys backup
campaigns-only = Wessen Archive
only-not-closed = Alle, die nicht geschlossen sind
campaigns-keep-sign-in = Eine Kopie der Anmeldedaten verschlüsselt aufbewahren, damit die Leute ihr Archiv auch herunterladen können, wenn es den Pod nicht mehr gibt
campaigns-begin = Beginnen
campaign-of = Export vom { $time }: { $state }
campaign-sentence = { $done } von { $all } Konten sind fertig, { $size }; { $failed } fehlgeschlagen, { $skipped } ausgelassen.
campaign-sentence-empty = { $done } von { $all } Konten sind fertig; { $failed } fehlgeschlagen, { $skipped } ausgelassen.
campaign-preparing = die Liste wird geschrieben
campaign-running = läuft
campaign-paused = angehalten
campaign-cancelled = abgebrochen
campaign-finished = fertig
audience-all = Alle
audience-year = Im letzten Jahr aktiv
audience-half-year = Im letzten halben Jahr aktiv
audience-month = Im letzten Monat aktiv
audience-not-fetched = Alle, die noch kein Archiv heruntergeladen haben
notices-lead = Ein Rundbrief geht an jede Person einmal, langsam und nach den Mails, auf die jemand wartet.
notices-preview = So sehen ihn die Leute
notices-unknown = Für { $names } wird nichts eingesetzt, es wird so verschickt. Ist es ein Tippfehler?
notices-sure = Abgeschickte Mails lassen sich nicht zurückholen.
notices-send = { $count ->
    [one] An 1 Person abschicken
   *[other] An { $shown } Personen abschicken
 }
notices-write = Einen Rundbrief schreiben
notices-audience = An wen
notices-subject = Betreff
notices-body = Text
notices-help = Aus {"{name}"} wird der Name der Person, aus {"{pod}"} der des Pods, aus {"{link}"} die Adresse dieses Dienstes, aus {"{days}"} die Termine der Schließung, aus {"{podmin}"} deine Adresse.
notices-show = Vorschau
notices-cannot = Rundbriefe brauchen die Datenbank des Pods und einen Mailserver (mail.server in der Konfiguration).
notices-sent = Frühere Rundbriefe
notices-none = Noch keiner.
notices-queued = (Mails: { $count })
notices-stop = Anhalten
notices-go-on = Fortsetzen
notice-queueing = unterwegs
notice-stopped = angehalten
notice-queued = zum Versand übergeben
notice-template-subject = { $pod } schließt: Bitte lade dein Archiv herunter
notice-template-body = Hallo {"{name}"},

    {"{pod}"} wird schließen. Alles von dir, Beiträge, Fotos, Nachrichten und Kontakte, kommt in eine Datei für dich. Bitte lade sie herunter:

    {"{link}"}

    Melde dich dort mit dem Namen und dem Passwort an, die du immer benutzt hast. Wenn du das Passwort vergessen hast, schickt dir die Seite einen Link. Mit der Datei kannst du später auf einen anderen Pod umziehen, und deine Freunde finden dich dort.

    {"{days}"}

    Fragen? Schreib an {"{podmin}"}.

    Dein Podmin
log-when = Wann
log-who = Wer
log-what = Was
log-subject = Woran
log-from = Von wo
log-older = Ältere
public-title = { $pod } schließt
public-archive = Zu meinem Archiv
board-words = Nachricht und Pods
words-lead = Das lesen die Leute dort, wo es für sie weitergeht: neben ihrem Archiv, vor der Anmeldung und wo dieser Pod sie nicht aufnehmen kann.
words-note = Deine Nachricht
words-note-long = Die Nachricht ist zu lang: Nimm höchstens 4.000 Zeichen.
words-pods = Pods, die du empfiehlst
words-pods-help = In jeder Zeile einer: seine Adresse, dann, was du dazu sagen möchtest. Zum Beispiel: pod.example freundlich, auf Deutsch
words-pods-many = Das sind zu viele: Nimm höchstens 30 Pods.
words-pod-wrong = „{ $line }“ beginnt nicht mit der Adresse eines Pods. Schreib sie so: pod.example.
done-saved = Gespeichert.
done-campaign-begun = Die Kampagne hat begonnen.
done-campaign-paused = Die Kampagne ist angehalten.
done-campaign-resumed = Die Kampagne geht weiter.
done-campaign-retried = Was fehlgeschlagen war, wird noch einmal versucht.
done-campaign-cancelled = Die Kampagne ist abgebrochen.
done-notice-sent = Der Rundbrief ist unterwegs.
done-notice-stopped = Der Rundbrief ist angehalten. Was schon übergeben war, wird noch verschickt.
done-notice-resumed = Der Rundbrief ist wieder unterwegs.
done-archive-asked = Das Archiv wird erstellt. Die Person bekommt eine E-Mail.
done-newcomer-approved = Zugestimmt. Das Konto zieht jetzt um.
done-newcomer-declined = Abgelehnt. Was hochgeladen war, ist gelöscht.
done-newcomer-announced = Die Pods erfahren jetzt von dem Umzug.
done-newcomer-retried = Der Import wird noch einmal versucht.
done-newcomer-stopped = Gestoppt. Die Seite zeigt, wann es vorbei ist.
done-invitation-withdrawn = Die Einladung ist zurückgezogen.
done-pod-trusted = Dem Schlüssel wird jetzt vertraut.
done-pod-not-trusted = Der Schlüssel ist entfernt.
closing-stage-wrong = Diesen Abschnitt gibt es nicht.
closing-day-wrong = „{ $day }“ ist kein Datum; schreib es so: 2027-01-31.
closing-day-far = { $day } ist mehr als 20 Jahre entfernt.
closing-day-past = { $day } liegt in der Vergangenheit. Heute ist der { $today } (UTC).
closing-off-before-read-only = Der Pod kann nicht abgeschaltet werden, bevor er nur noch gelesen werden kann.
closing-downloads-before = Downloads können nicht enden, bevor der Pod nur noch gelesen werden kann.
closing-downloads-before-off = Downloads können nicht enden, bevor der Pod abgeschaltet wird.
closing-sure = Den Pod endgültig schließen?
closing-sure-numbers = Danach lässt sich nichts mehr herunterladen. Konten, die kein Archiv heruntergeladen haben: { $without } von { $accounts }. Archive, die hier für sie liegen: { $archives }.
closing-sure-early = Du hast Downloads bis zum { $day } versprochen.
closing-yes = Schließen
campaigns-cancel-sure = Diese Kampagne abbrechen?
campaigns-cancel-numbers = Archive, die fertig sind und bleiben: { $done }. Konten ohne ein Archiv dieser Kampagne: { $open }. Eine abgebrochene Kampagne lässt sich nicht fortsetzen.
campaigns-again-all-sure = Alle { $accounts } Konten noch einmal exportieren?
campaigns-again-some-sure = Diese Konten noch einmal exportieren?
campaigns-again-stored = { $done ->
    [one] Die Kampagne { $name } vom { $begun } ist fertig: Ein Archiv von { $all } Konten ist gespeichert ({ $size }).
   *[other] Die Kampagne { $name } vom { $begun } ist fertig: { $shown } Archive von { $all } Konten sind gespeichert ({ $size }).
 }
campaigns-again-failed = { $count ->
    [one] Ein Konto ist gescheitert. Um nur dieses noch einmal zu versuchen, geh zurück und wähle „Fehlgeschlagene Konten noch einmal versuchen“.
   *[other] { $shown } Konten sind gescheitert. Um nur diese noch einmal zu versuchen, geh zurück und wähle „Fehlgeschlagene Konten noch einmal versuchen“.
 }
campaigns-again-all = Eine neue Kampagne exportiert alle Konten noch einmal und braucht noch einmal etwa so viel Platz. Gespeichertes bleibt; alle finden dann beide Archive.
campaigns-again-some = Eine neue Kampagne exportiert die gewählten Konten noch einmal und braucht noch einmal Platz für sie. Gespeichertes bleibt; wer dabei ist, findet dann beide Archive.
campaigns-again = Noch einmal exportieren
notices-recipients = { $count ->
    [0] Es gibt keine Empfänger.
    [one] 1 Person bekommt ihn.
   *[other] { $shown } Personen bekommen ihn.
 }
notices-in-language = { $language }: { $count ->
    [0] keine Empfänger
    [one] 1 Person
   *[other] { $shown } Personen
 }
notices-to-locked = { $count ->
    [one] 1 Person, deren Konto gesperrt ist
   *[other] { $shown } Personen, deren Konten gesperrt sind
 }
notices-test = Einen Test an mich schicken
notices-tested = Ein Test ist unterwegs an { $address }.
language-en = Englisch
language-de = Deutsch
notices-other-language = Zweite Sprache: { $language }
notices-other-language-help = Für alle, die den Pod auf { $language } benutzen. Wenn du das leer lässt, bekommen sie den Text darüber.
notices-locked-help = Wessen Konto gesperrt ist, kann sich nicht anmelden: Diese Leute erfahren stattdessen, dass sie dir schreiben können.
notices-wrong-audience = Diese Gruppe gibt es nicht.
notices-wrong-subject = Ein Betreff ist eine Zeile mit 1 bis 200 Zeichen.
notices-wrong-body = Ein Rundbrief braucht einen Text mit höchstens 20.000 Zeichen.
notice-locked-body = Hallo {"{name}"},

    {"{pod}"} wird schließen. Dein Konto ist gesperrt, deshalb kannst du dich nicht anmelden, um dein Archiv herunterzuladen. Wenn du es haben möchtest, schreib an {"{podmin}"}.

    {"{days}"}
notice-podmin-unknown = den Podmin
people-name-help = Ein ganzer Name, eine ganze Adresse oder diaspora*-ID zeigt das Konto.
people-state = Stand
people-any-state = Beliebig
people-state-all = Alle Konten
people-state-untouched = Ohne Archiv, nicht umgezogen
people-state-not-downloaded = Mit Archiv, das nicht heruntergeladen wurde
people-state-downloaded = Heruntergeladen
people-state-moved = Umgezogen
people-state-failed = Archiv konnte nicht erstellt werden
people-state-locked = Gesperrt
people-state-closed = Geschlossen
people-is-untouched = kein Archiv
people-is-not-downloaded = Archiv nicht heruntergeladen
people-is-downloaded = heruntergeladen
people-is-moved = umgezogen
people-is-failed = Archiv konnte nicht erstellt werden
people-is-locked = gesperrt
people-is-closed = geschlossen
people-list = Konten
people-username = Benutzername
people-email = E-Mail
people-more = Weitere
people-csv = Die ganze Liste als CSV herunterladen
log-filter-act = Was
log-filter-who = Konto (wer es war, oder wen es betrifft)
log-filter = Filtern
log-everything = Alles
log-nothing = Davon ist nichts protokolliert.
log-details = Einzelheiten
log-group-sign-in = Anmeldung
log-group-closing = Schließung
log-group-campaign = Kampagnen
log-group-archive = Archive
log-group-notice = Rundbriefe
log-group-newcomer = Neue Leute
log-group-invitation = Einladungen
log-group-trusted-pod = Vertrauenswürdige Pods
log-group-token = Token
log-group-podmin-words = Nachricht und Pods
log-act-sign-in = Hat sich angemeldet.
log-act-sign-in-with-code = Hat sich mit Passwort und Code angemeldet.
log-act-sign-in-by-link = Hat sich mit einem Link angemeldet.
log-act-sign-in-failed = Falsches Passwort für { $subject }.
log-act-sign-in-too-often = Zu viele falsche Passwörter für { $subject }.
log-act-sign-in-refused = { $subject } ist gesperrt oder geschlossen und kam nicht hinein.
log-act-code-failed = Falscher Code für { $subject }.
log-act-link-sent = Ein Link zur Anmeldung ging an { $subject }.
log-act-closing = Hat die Schließung auf „{ $subject }“ gestellt.
log-act-campaign-begin = Hat die Kampagne { $subject } begonnen.
log-act-campaign-pause = Hat die Kampagne { $subject } angehalten.
log-act-campaign-resume = Hat die Kampagne { $subject } fortgesetzt.
log-act-campaign-retry = Hat Fehlgeschlagenes der Kampagne { $subject } noch einmal versuchen lassen.
log-act-campaign-cancel = Hat die Kampagne { $subject } abgebrochen.
log-act-archive-for = Hat ein Archiv für { $subject } erstellen lassen.
log-act-archive-deleted = Hat das eigene Archiv { $subject } gelöscht.
log-act-notice = Hat den Rundbrief „{ $subject }“ abgeschickt.
log-act-notice-test = Hat sich einen Test des Rundbriefs „{ $subject }“ geschickt.
log-act-notice-stop = Hat den Rundbrief { $subject } angehalten.
log-act-notice-go-on = Hat den Rundbrief { $subject } fortgesetzt.
log-act-newcomer-yes = Hat dem Umzug von { $subject } zugestimmt.
log-act-newcomer-no = Hat den Umzug von { $subject } abgelehnt.
log-act-newcomer-again = Hat den Import von { $subject } noch einmal versuchen lassen.
log-act-newcomer-stop = Hat die Arbeit am Archiv von { $subject } gestoppt.
log-act-newcomer-cancelled = { $subject } hat die Prüfung oder den Import abgebrochen.
log-act-newcomer-imported = { $subject } wurde importiert.
log-act-newcomer-announced = Der Umzug von { $subject } wurde bekannt gegeben.
log-act-newcomer-undone = Der Umzug von { $subject } wurde rückgängig gemacht.
log-act-invitation = Hat eine Einladung erstellt ({ $subject }).
log-act-invitation-withdrawn = Hat die Einladung { $subject } zurückgezogen.
log-act-trusted-pod = Vertraut jetzt dem Pod-Schlüssel { $subject }.
log-act-trusted-pod-removed = Vertraut dem Pod-Schlüssel { $subject } nicht mehr.
log-act-token-made = Hat das Token „{ $subject }“ erstellt.
log-act-token-revoked = Hat das Token „{ $subject }“ widerrufen.
log-act-podmin-words = Hat die Nachricht und die empfohlenen Pods geändert.
