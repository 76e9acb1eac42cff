"""Shotgun's own client and a sandbox. Each step is named on a line of its own once it has come out as it should."""

import json
import sys
import urllib.error
import urllib.parse
import urllib.request

import shotgun_api3
from shotgun_api3 import AuthenticationFault, Fault, MissingTwoFactorAuthenticationFault, ProtocolError, Shotgun
from shotgun_api3.shotgun import (
    UserCredentialsNotAllowedForOxygenAuthenticationFault,
    UserCredentialsNotAllowedForSSOAuthenticationFault,
)

given = json.load(sys.stdin)
URL = given["url"]


def done(step):
    print(step, flush=True)


def raises(kind, call):
    try:
        call()
    except Exception as error:
        assert type(error) is kind, f"{type(error)} in place of {kind}"
        return error
    raise AssertionError(f"no {kind}")


def person(login, **more):
    return Shotgun(URL, login=login, password=given[login], **more)


def script():
    return Shotgun(URL, script_name="robot", api_key=given["robot"])


def session(token):
    return Shotgun(URL, session_token=token)


def login(name):
    return lambda: person(name).get_session_token()


def signing_in():
    info = person("ada").info()
    assert info["version"] == [8, 60, 0] and "SANDBOX" in info["full_version"], info
    done("info")
    token = person("ada").get_session_token()
    assert session(token).find_one("HumanUser", []) == {"type": "HumanUser", "id": 1}
    done("password")
    with_code = person("grace", auth_token=given["code"]).get_session_token()
    assert session(with_code).find_one("HumanUser", [["login", "is", "grace"]], ["login"])["login"] == "grace"
    done("code")
    person("grace", auth_token=given["backup"])
    raises(AuthenticationFault, lambda: person("grace", auth_token=given["backup"]))
    done("backup code")
    assert script().find_one("ApiUser", [["firstname", "is", "robot"]])["id"] == 1
    assert len(script().get_session_token()) == 32
    done("script")
    acting = Shotgun(URL, script_name="robot", api_key=given["robot"], sudo_as_login="ada")
    assert len(acting.find("HumanUser", [], ["login"])) == 2
    done("sudo")
    assert session(token).authenticate_human_user("ada", given["ada"])["login"] == "ada"
    raises(AuthenticationFault, lambda: session(token).authenticate_human_user("ada", "wrong"))
    done("authenticate_human_user")


def faults():
    raises(AuthenticationFault, lambda: Shotgun(URL, login="ada", password="wrong").get_session_token())
    raises(AuthenticationFault, lambda: Shotgun(URL, script_name="robot", api_key="x").get_session_token())
    raises(AuthenticationFault, lambda: session("0" * 32).find_one("HumanUser", []))
    raises(AuthenticationFault, lambda: person("grace", auth_token="000000"))
    done("102")
    error = raises(MissingTwoFactorAuthenticationFault, login("grace"))
    assert "SANDBOX" in str(error)
    done("106")
    raises(Fault, lambda: script().find_one("Nothing", []))
    raises(
        Fault,
        lambda: Shotgun(URL, script_name="robot", api_key=given["robot"], sudo_as_login="x").find_one("HumanUser", []),
    )
    done("other")


def sso():
    raises(UserCredentialsNotAllowedForSSOAuthenticationFault, login("ada"))
    done("108")


def identity():
    raises(UserCredentialsNotAllowedForOxygenAuthenticationFault, login("ada"))
    done("110")


def bodies():
    """Each call that signing in needs, through the proxy that notes them."""

    def client(**more):
        return Shotgun(URL, http_proxy=given["proxy"], **more)

    def signing(login, **more):
        return client(login=login, password=given[login], **more)

    token = signing("ada").get_session_token()
    raises(MissingTwoFactorAuthenticationFault, signing("grace").get_session_token)
    signing("grace", auth_token=given["code"])
    stranger = client(login="ad\u00e1 \U0001f600", password="p\u00e4ss \"word\"\\")
    raises(AuthenticationFault, stranger.get_session_token)
    person = client(session_token=token)
    person.find_one("HumanUser", [])
    person.find_one("HumanUser", [["login", "is", "ada"]])
    raises(Fault, lambda: person.preferences_read(["s\u00e9\U0001f600"]))
    person.set_session_uuid("5a1e")
    person.find_one("HumanUser", [], ["login"])
    robot = client(script_name="robot", api_key=given["robot"])
    robot.find_one("ApiUser", [["firstname", "is", "robot"]])
    acting = client(script_name="robot", api_key=given["robot"], sudo_as_login="ada")
    acting.find_one("HumanUser", [])
    done("bodies")


def over():
    raises(AuthenticationFault, lambda: session(given["token"]).find_one("HumanUser", []))
    done("over")


def claims():
    error = raises(ProtocolError, lambda: session(given["token"]).find_one("HumanUser", []))
    assert error.errcode == 302 and error.headers["location"].endswith("/saml/saml_login_request"), error
    done("claims")


def busy():
    assert person("ada").info()["version"], "the third attempt is answered, and another call"
    done("502")
    error = raises(ProtocolError, lambda: person("ada", connect=False).info())
    assert error.errcode == 503, error
    done("503")


def ask(method, path, fields=None):
    data = b"" if fields is None else urllib.parse.urlencode(fields).encode()
    request = urllib.request.Request(urllib.parse.urljoin(URL, path), data=data, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        assert error.headers["content-type"] == "application/json"
        return error.code, json.load(error)


def app_session():
    path = "/internal_api/app_session_request"
    asked = {"appName": "FPTR desktop app", "machineId": "a box"}
    status, first = ask("POST", path, asked)
    assert status == 200 and first["url"].startswith(URL), first
    poll = f"{path}/{first['sessionRequestId']}"
    assert ask("PUT", poll) == (200, {"approved": False})
    done("waiting")

    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    page = opener.open(first["url"]).read().decode()
    assert "FPTR desktop app" in page and "a box" in page and "SANDBOX" in page
    mark = page.split('name="csrf" value="')[1].split('"')[0]
    form = {"csrf": mark, "login": "ada", "password": given["ada"], "decision": "approve"}
    opener.open(first["url"], urllib.parse.urlencode(form).encode())
    status, granted = ask("PUT", poll)
    assert status == 200 and granted["approved"] is True and granted["userLogin"] == "ada", status
    assert session(granted["sessionToken"]).find_one("HumanUser", [])["id"] == 1
    assert ask("PUT", poll)[0] == 404
    done("approved")

    status, second = ask("POST", path, asked)
    opener.open(second["url"], urllib.parse.urlencode({"csrf": mark, "decision": "deny"}).encode())
    assert ask("PUT", f"{path}/{second['sessionRequestId']}")[0] == 404
    done("denied")


def app_session_off():
    status, answer = ask("POST", "/internal_api/app_session_request", {"appName": "a", "machineId": "b"})
    assert status == 403 and "SANDBOX" in answer["error"], status
    done("off")


assert shotgun_api3.__version__ == "3.10.3"
globals()[sys.argv[1]]()
